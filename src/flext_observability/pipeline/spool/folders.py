"""Folders of a service: one for each process, which a lock of the process holds, and that of the refused records."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, final

from flext_observability.pipeline.spool.segment import SUFFIX, Segment
from flext_observability.runtime.process_lock import ProcessLock, is_locked

REFUSED_FOLDER: Final = "dead-letters"
LOCK_NAME: Final = "lock"
SNAPSHOT_NAME: Final = "open-spans"
"""Open spans of a running process, in the form of a segment."""
NEW_SNAPSHOT_NAME: Final = ".open-spans"
_NEW: Final = ".new-"
_MODE: Final = 0o700


def service_folder(directory: Path, service_name: str) -> Path:
    """Return the folder of a service below the directory of all spools."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", service_name).strip(".-")[:60] or "service"
    digest = hashlib.sha256(service_name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return directory / f"{slug}-{digest}"


def make_private(folder: Path) -> None:
    """Create a folder for this user alone, with its parents.

    Raises:
        OSError: It cannot be created, or belongs to another user.
    """
    folder.parent.mkdir(parents=True, exist_ok=True, mode=_MODE)
    with suppress(FileExistsError):
        folder.mkdir(mode=_MODE)
        folder.chmod(_MODE)
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise PermissionError(1, "it belongs to another user", str(folder))
    if found.st_mode & 0o077:
        folder.chmod(_MODE)


@final
class ProcessFolder:
    """The folder of one process, held by this one.

    Attributes:
        path: The folder.
    """

    __slots__ = ("_lock", "path")

    def __init__(self, path: Path, lock: ProcessLock) -> None:
        self.path = path
        self._lock = lock

    def segments(self) -> Iterator[Path]:
        """Yield the segments, oldest first."""
        with suppress(OSError):
            yield from sorted(each for each in self.path.iterdir() if each.name.endswith(SUFFIX))

    def load(self) -> list[Segment]:
        """Return the segments with records to send; those without any are deleted."""
        loaded: list[Segment] = []
        for path in self.segments():
            segment = Segment(path)
            with suppress(OSError):
                segment.load()
                if segment.records:
                    loaded.append(segment)
                elif not segment.damaged:
                    segment.delete()
        return loaded

    def recover_snapshot(self, name: str) -> None:
        """Make the snapshot of an ended process a segment of this name."""
        with suppress(OSError):
            (self.path / SNAPSHOT_NAME).rename(self.path / name)
        self._remove_snapshots()

    def discard_snapshot(self) -> None:
        """Delete the snapshot of this process, whose spans have ended."""
        with suppress(OSError):
            (self.path / SNAPSHOT_NAME).unlink()
        self._remove_snapshots()

    def _remove_snapshots(self) -> None:
        with suppress(OSError):
            (self.path / NEW_SNAPSHOT_NAME).unlink()

    def release(self) -> None:
        """Let other processes take the folder; without a segment it is deleted."""
        if next(self.segments(), None) is None:
            with suppress(OSError):
                self._lock.path.unlink()
            with suppress(OSError):
                self.path.rmdir()  # foreign files in it remain
        self._lock.release()

    def abandon(self) -> None:
        """Close the file of the lock, in a forked child: the parent keeps it."""
        self._lock.release()


def create_folder(service: Path) -> ProcessFolder:
    """Create the folder of this process. Other processes see it locked from the first moment.

    Raises:
        OSError: It cannot be created or locked.
    """
    make_private(service)
    name = f"{os.getpid()}-{os.urandom(4).hex()}"
    temporary, path = service / f"{_NEW}{name}", service / name
    temporary.mkdir(mode=_MODE)
    lock = ProcessLock(temporary / LOCK_NAME)
    if not lock.acquire():  # the process has too many open files
        temporary.rmdir()
        raise OSError(24, "its lock cannot be taken", str(temporary))
    temporary.rename(path)
    lock.path = path / LOCK_NAME
    return ProcessFolder(path, lock)


def adopt_folders(service: Path) -> Iterator[ProcessFolder]:
    """Yield the folders of ended processes, each held by this one from now on."""
    for path in process_folders(service):
        lock = ProcessLock(path / LOCK_NAME)
        if lock.acquire():
            yield ProcessFolder(path, lock)


def process_folders(service: Path) -> list[Path]:
    """Return the folders of all processes."""
    try:
        with os.scandir(service) as entries:
            names = [each.name for each in entries if each.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [service / name for name in sorted(names) if name != REFUSED_FOLDER and not name.startswith(_NEW)]


def is_held(folder: Path) -> bool:
    """Return whether a running process holds a folder."""
    return is_locked(folder / LOCK_NAME)


def total_bytes(service: Path) -> int:
    """Return the size of all segments of a service, refused records included."""
    total = 0
    for folder in [*process_folders(service), service / REFUSED_FOLDER]:
        with suppress(OSError), os.scandir(folder) as entries:
            for each in entries:
                with suppress(OSError):
                    total += each.stat(follow_symlinks=False).st_size if each.name.endswith(SUFFIX) else 0
    return total
