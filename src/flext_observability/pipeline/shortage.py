"""Error for lack of files, memory or disk space → retryable ``ExportOutcome``: the items wait until there are some."""

from __future__ import annotations

import errno
from typing import Final

from flext_observability.extensions.ports import ExportOutcome

MEMORY_FIX: Final = "Free memory, or raise the limit of the container"
_FIXES: Final = {
    errno.EMFILE: "Raise the limit of open files (ulimit -n), or close files",
    errno.ENFILE: "Raise the limit of open files of the machine (fs.file-max), or close files",
    errno.ENOMEM: MEMORY_FIX,
    errno.ENOBUFS: MEMORY_FIX,
    errno.ENOSPC: "Free disk space",
    errno.EDQUOT: "Free disk space",
}


def is_shortage(error: BaseException) -> bool:
    """Return whether the system lacks files, memory or disk space at this moment."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _FIXES)


def shortage_fix(error: BaseException) -> str:
    """Return the next action, without a full stop."""
    if isinstance(error, MemoryError):
        return MEMORY_FIX
    number = error.errno if isinstance(error, OSError) else None
    return _FIXES.get(number or 0, "Install the package again if its files are missing, otherwise read the message")


def shortage(message: str, error: BaseException) -> ExportOutcome:
    """Return the outcome of an export that could not be tried; nothing was sent.

    Args:
        message: What happened, without a full stop.
        error: The reason.
    """
    return ExportOutcome(retry=True, reached=False, reason="unavailable", message=message, fix=shortage_fix(error))
