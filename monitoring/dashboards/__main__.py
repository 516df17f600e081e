"""`python -m monitoring.dashboards write|check`: write the dashboards of Grafana, or compare files and code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from monitoring.dashboards.files import FOLDER, stale, write


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return the exit code: 1 if `check` finds a file that is not up to date."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.dashboards", description=__doc__)
    parser.add_argument("command", choices=("write", "check"))
    if parser.parse_args(arguments).command == "write":
        changed = write()
        print("\n".join(f"wrote {path}" for path in changed if path.exists()) or f"{FOLDER}: up to date")
        return 0
    found = stale()
    for path in found:
        print(f"{path}: not up to date with monitoring/dashboards/. Run `make dashboards`.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
