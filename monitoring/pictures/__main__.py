"""`python -m monitoring.pictures UID FILE`: draw a dashboard with the data of the running Prometheus, as SVG."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from monitoring.native.parts import PROMETHEUS
from monitoring.native.places import StackError, places_from
from monitoring.pictures.data import read
from monitoring.pictures.drawing import svg
from monitoring.tester.catalogue.files import Files


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture. Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.pictures", description=__doc__)
    parser.add_argument("uid", help="uid of the dashboard, such as service-overview")
    parser.add_argument("file", type=Path, help="SVG file")
    given = parser.parse_args(arguments)
    try:
        _draw(given.uid, given.file)
    except StackError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"wrote {given.file}")
    return 0


def _draw(uid: str, file: Path) -> None:
    files = Files()
    dashboards = files.dashboards()
    if uid not in dashboards:
        raise StackError(f"No dashboard has the uid {uid!r}: use one of {', '.join(sorted(dashboards))}.")
    address = f"http://{places_from().address(PROMETHEUS, 'http')}"
    try:
        # trust_env=False: a proxy of the environment must not be used for loopback.
        with httpx.Client(base_url=address, timeout=30.0, trust_env=False) as http:
            panels = list(read(dashboards[uid], files.sources(), http, time.time()))
    except httpx.HTTPError as error:
        raise StackError(f"Prometheus at {address} does not answer: {error}. Run `make monitoring-setup`.") from error
    file.write_text(svg(str(dashboards[uid]["title"]), panels), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
