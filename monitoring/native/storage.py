"""Errors of the file system → `StackError`s with the folder, the reason and the action."""

from __future__ import annotations

import errno
import fcntl
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console

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
        with tempfile.TemporaryFile(dir=places.state) as test:
            test.write(b"x" * 4096)
    free = free_mb(places.state)
    if free < _MINIMUM_MB:
        raise StackError(
            f"The disk of {places.state} is nearly full: {free:.0f} MB are free, and the parts need "
            f"{_MINIMUM_MB} MB to start. Free space there, or set FLEXT_STACK_STATE to a folder on a larger disk."
        )


@contextmanager
def one_at_a_time(folder: Path, console: Console) -> Generator[None]:
    """Hold the lock of a state folder during the block, so that two commands do not start or stop the same part.

    A second command waits. Without the folder, or if it is not writable, there is nothing to protect and no lock.
    """
    try:
        lock = (folder / ".lock").open("a", encoding="utf-8")
    except OSError:
        yield
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print(f"Waiting for another command that uses {folder} …", markup=False, highlight=False)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def free_mb(folder: Path) -> float:
    """Return the free space of the disk of a folder, which need not exist, in megabytes."""
    existing = next(candidate for candidate in (folder, *folder.parents) if candidate.exists())
    return shutil.disk_usage(existing).free / 1024**2
