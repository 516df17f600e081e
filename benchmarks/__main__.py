"""``python -m benchmarks``: print tables of ratios and costs. ``benchmarks/results.md`` has the results of one run."""

from __future__ import annotations

import platform
from importlib.metadata import version

from rich.console import Console

from benchmarks import encoding, hot_path, promises, start_up
from benchmarks.measure import Row


def main() -> None:
    """Run all benchmarks, and print the results as Markdown tables."""
    rows: list[Row] = []
    with Console(stderr=True).status("measuring start-up") as status:
        rows += start_up.rows()
        status.update("measuring the hot path")
        rows += hot_path.rows()
        status.update("measuring OTLP encoding")
        rows += encoding.rows()
        status.update("measuring the promised costs")
        promised = promises.promises()
    print(f"CPython {platform.python_version()}, OpenTelemetry SDK {version('opentelemetry-sdk')}; best of 11 rounds.")
    print("Only ratios compare between machines.\n")
    print("| benchmark | ours, µs | theirs, µs | against | ratio | goal |")
    print("|---|---:|---:|---|---:|---|")
    for row in rows:
        print(
            f"| {row.name} | {row.ours_microseconds:.2f} | {row.theirs_microseconds:.2f} "
            f"| {row.against} | {row.ratio:.2f} | {row.goal} |"
        )
    print("\n| promised cost | measured | goal | promised |")
    print("|---|---:|---|---|")
    for promise in promised:
        print(f"| {promise.name} | {promise.measured} | {promise.goal} | {promise.promised} |")


if __name__ == "__main__":
    main()
