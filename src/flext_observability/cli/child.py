"""Child process of a command: imports the program without exports, generates the text, and writes it to a pipe."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from flext_observability.cli.program import Loaded, load
from flext_observability.domain.result import FlextResult


def main(descriptor: int, options: str) -> None:
    """Answer one request, and end the process without the exit functions of the program."""
    command, program, given = json.loads(options)
    result = _answer(command, program, given)
    fields = {"code": result.code, "text": result.data if result.success else result.message, "fix": result.fix}
    with os.fdopen(descriptor, "wb") as pipe:
        pipe.write(json.dumps(fields).encode() + b"\n")
    sys.stdout.flush()
    os._exit(0)


def _answer(command: str, program: str, given: Mapping[str, Any]) -> FlextResult[str]:
    from flext_observability.api.process import active_process
    from flext_observability.api.start import init_observability

    active_process().declares_only = True
    init_observability()  # instruments of the program have a provider from the beginning
    options = {**given, "attributes": dict(given["attributes"])}
    return load(program).flat_map(partial(_rules if command == "rules" else _dashboard, options))


def _rules(given: Mapping[str, Any], loaded: Loaded) -> FlextResult[str]:
    from flext_observability.api.generate import flext_prometheus_rules

    return flext_prometheus_rules(loaded.rules, **given)


def _dashboard(given: Mapping[str, Any], loaded: Loaded) -> FlextResult[str]:
    from flext_observability.api.generate import flext_grafana_dashboard

    return flext_grafana_dashboard(**given)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
