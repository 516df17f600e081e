"""Run the same work in several threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

THREADS = 8


def in_threads(work: Callable[[int], object]) -> None:
    """Call `work` with the number of each thread in `THREADS` concurrent threads, and raise the first exception."""
    failures: list[BaseException] = []
    ready = threading.Barrier(THREADS)

    def run(number: int) -> None:
        ready.wait()
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread of the test
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
