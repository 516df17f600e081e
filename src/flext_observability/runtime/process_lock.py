"""A lock between processes that ends with its process, however that ends (standard library only)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import final

from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime


@final
class _HeldFiles:
    """Files that this process has locked. Opening and closing one again would release its lock.

    Attributes:
        turn: Held by the thread that looks whether a file is locked, and locks it.
    """

    __slots__ = ("_files", "turn")

    def __init__(self) -> None:
        self.turn = ForkSafeLock()  # the system does not exclude the threads of one process
        self._files: set[tuple[int, int, int]] = set()

    def add(self, file: os.stat_result) -> None:
        """Add a file. A forked child does not have it."""
        self._files.add((os.getpid(), file.st_dev, file.st_ino))

    def discard(self, file: os.stat_result) -> None:
        """Remove a file."""
        self._files.discard((os.getpid(), file.st_dev, file.st_ino))

    def has(self, file: os.stat_result) -> bool:
        """Return whether this process has locked a file."""
        return (os.getpid(), file.st_dev, file.st_ino) in self._files


@final
class ProcessLock:
    """A locked file. A forked child does not have the lock.

    The system releases the lock when this process ends, or closes any descriptor of the file: this module opens no
    file that the process has locked, and other modules must not either.

    Attributes:
        descriptor: Descriptor of the file while it is locked; -1 otherwise.
    """

    __slots__ = ("__weakref__", "_turn", "descriptor", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = -1
        self._turn = ForkSafeLock()

    def create(self) -> None:
        """Create the file, locked from the first moment at which other processes see it.

        Raises:
            OSError: The file cannot be created or locked.
        """
        import fcntl

        temporary = self.path.with_name(f"{self.path.name}.new")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            temporary.replace(self.path)
        except BaseException:
            os.close(descriptor)
            raise
        self._hold(descriptor)

    def acquire(self) -> bool:
        """Lock the file, which is created if necessary; return whether this call did. Never waits.

        False if the file is locked, or cannot be opened. A thread that has the lock excludes the others, too.
        """
        with self._turn, current_runtime().get(_HeldFiles).turn:
            return self.descriptor < 0 and self._open()

    def _open(self) -> bool:
        import fcntl

        if _is_own(self.path):
            return False
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
                return False
            self._hold(descriptor)
            return True
        except OSError:
            return False

    def is_visible(self) -> bool:
        """Return whether other processes find the locked file: it was neither removed nor replaced."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self.descriptor))
        except OSError:
            return False

    def _hold(self, descriptor: int) -> None:
        current_runtime().get(_HeldFiles).add(os.fstat(descriptor))
        self.descriptor = descriptor

    def release(self) -> None:
        """Release the lock; the file remains. In a forked child, the parent keeps its lock. Idempotent."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):
                current_runtime().get(_HeldFiles).discard(os.fstat(descriptor))
                os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Return whether a process has locked the file; False if it does not exist.

    Processes that ask at the same moment do not disturb each other: they share the lock.
    """
    import fcntl

    if _is_own(path):
        return True
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _is_own(path: Path) -> bool:
    try:
        return current_runtime().get(_HeldFiles).has(path.stat())
    except OSError:
        return False
