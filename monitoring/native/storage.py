"""Errors of the file system → `StackError`s with the folder, the reason and the action."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from monitoring.native.places import Places, StackError

_MINIMUM_MB: Final = 64
"""Free space for the start of all parts. Below it, write-ahead logs and queues cannot be created."""

_STATE_ADVICE: Final = "set FLEXT_STACK_STATE to a folder that this user can write to"


@contextmanager
def storing(folder: Path, advice: str = _STATE_ADVICE) -> Generator[None]:
    """Turn an `OSError` of the block into a `StackError` about `folder`.

    Args:
        folder: Folder that the block writes to.
        advice: Action for an error that is not about free space, without a full stop.

    Raises:
        StackError: The block raised an `OSError`.
    """
    try:
        yield
    except OSError as error:
        named = error.filename2 or error.filename or folder
        reason = (error.strerror or str(error)).lower()
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            free = f"{free_mb(folder):.0f} MB are free"
            action = f"Free space there, or {advice[:1].lower()}{advice[1:]}"
            raise StackError(f"Cannot write {named}: {reason} ({free}). {action}.") from error
        raise StackError(f"Cannot write {named}: {reason}. {advice[:1].upper()}{advice[1:]}.") from error


def check_state(places: Places) -> None:
    """Create the state folder, and check that it is writable and has free space.

    Raises:
        StackError: The folder is not writable, or its disk is nearly full.
    """
    with storing(places.state):
        places.state.mkdir(parents=True, exist_ok=True)
        test = places.state / ".writable"
        test.write_bytes(b"x" * 4096)
        test.unlink()
    free = free_mb(places.state)
    if free < _MINIMUM_MB:
        raise StackError(
            f"The disk of {places.state} is nearly full: {free:.0f} MB are free, and the parts need "
            f"{_MINIMUM_MB} MB to start. Free space there, or set FLEXT_STACK_STATE to a folder on a larger disk."
        )


def free_mb(folder: Path) -> float:
    """Return the free space of the disk of a folder, which need not exist, in megabytes."""
    existing = next(candidate for candidate in (folder, *folder.parents) if candidate.exists())
    return shutil.disk_usage(existing).free / 1024**2
