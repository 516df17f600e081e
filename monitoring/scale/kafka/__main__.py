"""`python -m monitoring.scale.kafka install`: copy Kafka's libraries to the cache."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from monitoring.native.places import StackError, places_from
from monitoring.scale.kafka.install import install


def main() -> int:
    """Run the command, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.scale.kafka", description="Install Apache Kafka.")
    parser.add_argument("command", choices=("install",))
    parser.parse_args()
    console = Console()
    try:
        install(places_from(), console)
    except StackError as problem:
        console.print(str(problem), style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    return 0


sys.exit(main())
