"""Files of this process in the shared directory: lock, snapshot, and the pipe by which others ask for a snapshot."""

from __future__ import annotations

import json
import os
import select
from contextlib import suppress
from struct import Struct
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, final

from flext_observability.pipeline.shared_page.process_directory import LOCK, PREFIX, SNAPSHOT, WAKE, ProcessDirectory
from flext_observability.runtime.process_lock import ProcessLock
from flext_observability.wire.metric_snapshot.encode import seal

if TYPE_CHECKING:
    from flext_observability.runtime.process_family import ProcessIdentity
    from flext_observability.wire.metric_snapshot.encode import Document, Plain

STAMP: Final = Struct("<q")
"""Content of a lock file: monotonic time at which the collection of the latest snapshot began, in nanoseconds."""


@final
class ProcessFiles:
    """Files of this process. Not thread-safe.

    Attributes:
        name: Name of the process in the directory.
    """

    __slots__ = ("_directory", "_lock", "_root", "_wake", "_written", "name")

    def __init__(self, directory: ProcessDirectory, root: ProcessIdentity) -> None:
        """Create the files.

        Raises:
            OSError: They cannot be created.
        """
        self.name = f"{PREFIX}{os.getpid()}-{os.urandom(4).hex()}"
        self._directory = directory
        self._root = root
        self._written = ""
        self._lock = ProcessLock(directory.file(self.name, LOCK))
        self._wake = -1
        self._lock.create()
        with suppress(OSError):  # without pipes, others read the snapshot of the last second
            wake = directory.file(self.name, WAKE)
            os.mkfifo(wake, 0o600)
            # Open for writing, too: otherwise the pipe would be at its end without other processes.
            self._wake = os.open(wake, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def are_visible(self) -> bool:
        """Return whether other processes find them: a user may have removed the directory."""
        return self._lock.is_visible()

    def wait(self, seconds: float) -> bool:
        """Wait until another process asks for a snapshot, at most for this time; return whether one did."""
        poll = select.poll()
        if self._wake >= 0:
            poll.register(self._wake, select.POLLIN)
        poll.poll(seconds * 1000)
        with suppress(OSError):
            return bool(os.read(self._wake, 4096))
        return False

    def wake(self) -> None:
        """End the wait of another thread."""
        with suppress(OSError):
            os.write(self._wake, b"\n")

    def document(self, resources: Plain, *, ended: bool = False) -> Document:
        """Return the document of this process."""
        return {**self._head(ended=ended), "resources": resources}

    def write(self, resources: Plain, *, ended: bool = False) -> None:
        """Write a snapshot unless it is equal to the last one.

        Raises:
            OSError: It cannot be written.
        """
        text = json.dumps(resources, separators=(",", ":"))
        if text == self._written and not ended:
            return
        head = json.dumps(self._head(ended=ended))
        self._directory.write(self._directory.file(self.name, SNAPSHOT), seal(f'{head[:-1]},"resources":{text}}}'))
        self._written = text

    def stamp(self, began_ns: int) -> None:
        """Publish when the collection of the snapshot began (monotonic nanoseconds)."""
        with suppress(OSError):
            os.pwrite(self._lock.descriptor, STAMP.pack(began_ns), 0)

    def close(self) -> None:
        """Close the descriptors, which releases the lock. In a forked child, the parent keeps its lock."""
        self._lock.release()
        wake, self._wake = self._wake, -1
        if wake >= 0:
            with suppress(OSError):
                os.close(wake)

    def _head(self, *, ended: bool) -> dict[str, Any]:
        return {"pid": os.getpid(), "root": list(self._root), "time_unix_nano": time_ns(), "ended": ended}
