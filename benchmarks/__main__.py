"""``python -m benchmarks`` → a table of ratios on standard output; ``benchmarks/results.md`` keeps one run."""

from __future__ import annotations

import platform
from importlib.metadata import version

from rich.console import Console

from benchmarks import hot_path, promises, start_up
from benchmarks.measure import Row


def main() -> None:
    """Measure everything and print a table in Markdown."""
    rows: list[Row] = []
    with Console(stderr=True).status("measuring start-up") as status:
        rows += start_up.rows()
        status.update("measuring the hot path")
        rows += hot_path.rows()
        status.update("measuring what was promised")
        promised = promises.promises()
    print(f"CPython {platform.python_version()}, OpenTelemetry SDK {version('opentelemetry-sdk')}; best of 11 rounds.")
    print("Only ratios compare between machines.\n")
    print("| what | ours, µs | theirs, µs | against | ratio | goal |")
    print("|---|---:|---:|---|---:|---|")
    for row in rows:
        print(
            f"| {row.name} | {row.ours_microseconds:.2f} | {row.theirs_microseconds:.2f} "
            f"| {row.against} | {row.ratio:.2f} | {row.goal} |"
        )
    print("\n| what was promised | measured | goal | promised |")
    print("|---|---:|---|---|")
    for promise in promised:
        print(f"| {promise.name} | {promise.measured} | {promise.goal} | {promise.promised} |")


if __name__ == "__main__":
    main()
