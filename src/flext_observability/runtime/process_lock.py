"""A lock between processes that ends with its process, however that ends (standard library only)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import final

from flext_observability.runtime.locks import ForkSafeLock


@final
class ProcessLock:
    """A locked file. A forked child does not have the lock.

    The system releases the lock when this process ends, or closes any descriptor of the file: this process must not
    open the file otherwise.

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
        self.descriptor = descriptor

    def acquire(self) -> bool:
        """Lock the file, which is created if necessary; return whether this call did. Never waits.

        False if the file is locked, or cannot be opened. A thread that has the lock excludes the others, too.
        """
        with self._turn:
            return self.descriptor < 0 and self._open()

    def _open(self) -> bool:
        import fcntl

        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
                return False
            self.descriptor = descriptor
            return True
        except OSError:
            return False

    def release(self) -> None:
        """Release the lock; the file remains. In a forked child, the parent keeps its lock. Idempotent."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):
                os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Return whether another process has locked the file; False if it does not exist."""
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
