"""Line → end of a file that several processes append to; each line of the file stays whole."""

from __future__ import annotations

import fcntl
import os
import select
import time
from collections.abc import Iterator
from contextlib import suppress
from errno import ETIMEDOUT
from typing import Final

LOCK_SECONDS: Final = 0.2
"""Limit of waiting for a lock. Without one the line is written all the same, but a part of it is not taken back."""
_LOCK_PAUSE_SECONDS: Final = 0.001
_END: Final = b"\n"


def append_line(descriptor: int, line: bytes, deadline: float) -> None:
    """Append a line to a regular file, wholly or not at all.

    A line starts on its own, also after a process that was killed while it wrote.

    Args:
        descriptor: The file, opened for appending; for reading, too, where that is permitted.
        line: The line with its end.
        deadline: Time limit, in monotonic seconds.

    Raises:
        OSError: The line cannot be written.
    """
    is_locked = _lock(descriptor, min(deadline, time.monotonic() + LOCK_SECONDS))
    written = 0
    try:
        for count in writes(descriptor, _END + line if _is_torn(descriptor) else line, deadline):
            written += count
    except BaseException:
        if is_locked and written:
            _undo(descriptor, written)
        raise
    finally:
        if is_locked:  # not by closing: a process that was forked meanwhile has the file open
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def writes(descriptor: int, content: bytes, deadline: float) -> Iterator[int]:
    """Write bytes, and yield the number of those that each call has written.

    Raises:
        OSError: A call fails; ``TimeoutError`` if the reader of a pipe is too slow.
    """
    view = memoryview(content)
    while view:
        _wait_writable(descriptor, deadline)
        written = os.write(descriptor, view)
        yield written
        view = view[written:]


def _wait_writable(descriptor: int, deadline: float) -> None:
    """Wait until a pipe or terminal accepts data; a regular file always does."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    if not poll.poll(max(deadline - time.monotonic(), 0.0) * 1000):
        raise TimeoutError(ETIMEDOUT, "its reader is too slow")


def _lock(descriptor: int, limit: float) -> bool:
    """Exclude other writers, threads included, and return whether that worked before ``limit``."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # locked, or without locks, as some file systems of networks are
            if time.monotonic() >= limit:
                return False
            time.sleep(_LOCK_PAUSE_SECONDS)
        else:
            return True


def _is_torn(descriptor: int) -> bool:
    """Return whether the last line has no end."""
    size = os.fstat(descriptor).st_size
    with suppress(OSError):  # opened for writing alone
        return size > 0 and os.pread(descriptor, 1, size - 1) != _END
    return False


def _undo(descriptor: int, written: int) -> None:
    """Remove the last bytes, unless a process that does not use the lock has written more."""
    end = os.lseek(descriptor, 0, os.SEEK_CUR)
    if os.fstat(descriptor).st_size == end:
        with suppress(OSError):
            os.ftruncate(descriptor, end - written)
