"""`python -m examples.shop`: run a shop of four processes for some seconds, and show its telemetry."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from examples.shop.demo import Options, run
from examples.shop.failure import DemoError

_TO = "receiver of OTLP over HTTP, or `viewer` to start one (default: a collector on port 4318, or else `viewer`)"


def main() -> int:
    """Run the demo; return the exit code."""
    try:
        return asyncio.run(_until_signalled(_options()))
    except BrokenPipeError:  # the reader has closed the pipe, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except DemoError as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1


async def _until_signalled(options: Options) -> int:
    """Run the demo. The first Ctrl-C or SIGTERM ends it with all its processes."""
    demo = asyncio.ensure_future(run(options))
    received: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        received.append(number)
        demo.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    try:
        await demo
    except asyncio.CancelledError:
        print("\nInterrupted.", file=sys.stderr)
    return 128 + received[0] if received else 0


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m examples.shop", description=__doc__)
    parser.add_argument(
        "--seconds", type=_seconds, default=6.0, help="duration of the sale, 1 to 20 (default: %(default)s)"
    )
    parser.add_argument(
        "--requests", type=_requests, default=48, help="number of checkouts, 8 to 1000 (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the random purchases (default: %(default)s)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the sales as JSON")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the two checkouts as SVG")
    parser.add_argument("--to", default="", metavar="ADDRESS", help=_TO)
    given = parser.parse_args()
    return Options(given.seconds, given.requests, given.seed, given.report, given.picture, given.to.rstrip("/"))


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= 20:
        raise argparse.ArgumentTypeError("give 1 to 20 seconds")
    return seconds


def _requests(text: str) -> int:
    requests = int(text)
    if not 8 <= requests <= 1000:
        raise argparse.ArgumentTypeError("give 8 to 1000")
    return requests


if __name__ == "__main__":
    sys.exit(main())
