"""A request for new snapshots of other processes, with a time limit."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

from flext_observability.pipeline.shared_page.process_directory import LOCK, WAKE
from flext_observability.pipeline.shared_page.process_files import STAMP

if TYPE_CHECKING:
    from flext_observability.pipeline.shared_page.process_directory import ProcessDirectory

PATIENCE_SECONDS: Final = 1.0
LATE_PATIENCE_SECONDS: Final = 0.05
"""Time for a process that was late before."""
_POLL_SECONDS: Final = 0.001


@final
class SnapshotRequest:
    """Asks other processes for snapshots that begin now.

    Args:
        directory: Directory of the processes.
        names: Names of the other processes.
    """

    __slots__ = ("_began", "_waiting")

    def __init__(self, directory: ProcessDirectory, names: Collection[str]) -> None:
        self._began = time.monotonic_ns()
        self._waiting: dict[str, int] = {}
        for name in names:
            with suppress(OSError):  # it has ended
                _send(directory, name)
                self._waiting[name] = os.open(directory.file(name, LOCK), os.O_RDONLY | os.O_CLOEXEC)

    def wait(self, late: Mapping[str, int]) -> dict[str, int]:
        """Wait for the snapshots.

        Args:
            late: Result of an earlier request. Those of its processes that did nothing since get less time.

        Returns:
            Names of the processes without one, with the time of their last snapshot.
        """
        waiting, self._waiting = self._waiting, {}
        idle = {name for name, file in waiting.items() if late.get(name) == _stamp(file)}
        try:
            while unfinished := self._unfinished(waiting):
                seconds = (time.monotonic_ns() - self._began) / 1e9
                if seconds > (LATE_PATIENCE_SECONDS if unfinished.keys() <= idle else PATIENCE_SECONDS):
                    break
                time.sleep(_POLL_SECONDS)
            return unfinished
        finally:
            for file in waiting.values():
                os.close(file)

    def _unfinished(self, waiting: Mapping[str, int]) -> dict[str, int]:
        stamps = {name: _stamp(file) for name, file in waiting.items()}
        return {name: stamp for name, stamp in stamps.items() if stamp < self._began}


def _stamp(file: int) -> int:
    """Return when the last snapshot of a process began; 0 if it has none."""
    content = os.pread(file, STAMP.size, 0)
    return STAMP.unpack(content)[0] if len(content) == STAMP.size else 0


def _send(directory: ProcessDirectory, name: str) -> None:
    """Wake a process.

    Raises:
        OSError: It does not exist.
    """
    descriptor = os.open(directory.file(name, WAKE), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        with suppress(BlockingIOError):  # full: it does not read
            os.write(descriptor, b"\n")
    finally:
        os.close(descriptor)
