"""otel-collector.yaml → the processors of the agent, which filters and redacts like the ordinary collector.

kustomize reads only files of its own folder, so that the agent has a copy. `python -m monitoring.scale.processors`
updates the copy, and a test compares it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from monitoring.native.places import REPOSITORY

ORDINARY: Final = REPOSITORY / "otel-collector.yaml"
AGENT: Final = REPOSITORY / "monitoring" / "scale" / "tiers" / "agent.yaml"
_PROCESSORS: Final = re.compile(r"^processors:\n.*?(?=^\S)", re.MULTILINE | re.DOTALL)
_PIPELINE: Final = re.compile(
    r"^    (traces|metrics|logs):\n      receivers: \[otlp\]\n      processors: (.*)\n", re.MULTILINE
)


def updated(agent: Path = AGENT, ordinary: Path = ORDINARY) -> str:
    """Return the text of the agent's file with the processors and the pipelines of the ordinary collector.

    Raises:
        ValueError: A file has no processors, or not the three pipelines.
    """
    target, source = agent.read_text(encoding="utf-8"), ordinary.read_text(encoding="utf-8")
    block = _PROCESSORS.search(source)
    lists = dict(_PIPELINE.findall(source))
    if block is None or set(lists) != {"traces", "metrics", "logs"} or not _PROCESSORS.search(target):
        raise ValueError(
            f"{ordinary}: no processors, or no pipelines traces, metrics and logs that start with "
            "`receivers: [otlp]`. Restore them."
        )
    target = _PROCESSORS.sub(lambda _: block[0], target)
    return _PIPELINE.sub(lambda found: found[0].replace(found[2], lists[found[1]]), target)


def main() -> int:
    """Update the copy, and return the exit code."""
    AGENT.write_text(updated(), encoding="utf-8")
    print(f"{AGENT.relative_to(REPOSITORY)} has the processors of {ORDINARY.name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
