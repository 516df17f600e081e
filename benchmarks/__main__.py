"""``python -m benchmarks`` → a table of ratios on standard output; ``benchmarks/results.md`` keeps one run."""

from __future__ import annotations

import platform
from importlib.metadata import version

from rich.console import Console

from benchmarks import hot_path, start_up
from benchmarks.measure import Row


def main() -> None:
    """Measure everything and print a table in Markdown."""
    rows: list[Row] = []
    with Console(stderr=True).status("measuring start-up") as status:
        rows += start_up.rows()
        status.update("measuring the hot path")
        rows += hot_path.rows()
    print(f"CPython {platform.python_version()}, OpenTelemetry SDK {version('opentelemetry-sdk')}; best of 11 rounds.")
    print("Only ratios compare between machines.\n")
    print("| what | ours, µs | theirs, µs | against | ratio | goal |")
    print("|---|---:|---:|---|---:|---|")
    for row in rows:
        print(
            f"| {row.name} | {row.ours_microseconds:.2f} | {row.theirs_microseconds:.2f} "
            f"| {row.against} | {row.ratio:.2f} | {row.goal} |"
        )


if __name__ == "__main__":
    main()
