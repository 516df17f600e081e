"""Errors for lack of files, memory or disk space, which end when the system has some again (standard library only)."""

from __future__ import annotations

import errno
import os
from typing import Final

MEMORY_FIX: Final = "Free memory, or raise the limit of the container"
DISK_FIX: Final = "Free disk space"
_FIXES: Final = {
    errno.EMFILE: "Raise the limit of open files (ulimit -n), or close files",
    errno.ENFILE: "Raise the limit of open files of the machine (fs.file-max), or close files",
    errno.ENOMEM: MEMORY_FIX,
    errno.ENOBUFS: MEMORY_FIX,
    errno.ENOSPC: DISK_FIX,
    errno.EDQUOT: DISK_FIX,
}


def is_shortage(error: BaseException | None) -> bool:
    """Return whether the system lacks files, memory or disk space at this moment."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _FIXES)


def shortage_fix(error: BaseException) -> str:
    """Return the next action, without a full stop."""
    if isinstance(error, MemoryError):
        return MEMORY_FIX
    number = error.errno if isinstance(error, OSError) else None
    return _FIXES.get(number or 0, "Install the package again if its files are missing, otherwise read the message")


def check_files() -> None:
    """Open and close a file.

    Raises:
        OSError: No file can be opened at this moment.
    """
    os.close(os.open(os.devnull, os.O_RDONLY))
