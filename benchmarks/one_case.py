"""``python -m benchmarks.one_case NAME SETTINGS``: run one case in this process, and print its readings as JSON."""

from __future__ import annotations

import gc
import json
import os
import sys

from benchmarks.catalogue import chosen
from benchmarks.readings import CaseSkippedError, Settings


def main(name: str, settings: str) -> None:
    """Run the case. The last line of output is a JSON object: ``readings``, or ``skipped`` with the reason."""
    (case,) = chosen([name])
    gc.freeze()  # modules are not searched again for each round
    try:
        answer: dict[str, object] = {
            "readings": [each.to_json() for each in case.run(Settings(**json.loads(settings)))]
        }
    except CaseSkippedError as reason:
        answer = {"skipped": str(reason)}
    print(json.dumps(answer), flush=True)
    os._exit(0)  # threads of libraries must not delay the end


if __name__ == "__main__":
    main(*sys.argv[1:])
