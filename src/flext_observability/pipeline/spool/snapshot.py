"""File with the open spans of this process: replaced as a whole, and settled span by span. Not thread-safe.

It is next to the segments of the process, and has their form: the process that takes over the folder reads it as one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from flext_observability.pipeline.spool.folders import NEW_SNAPSHOT_NAME, SNAPSHOT_NAME
from flext_observability.pipeline.spool.record import SETTLED, STATE_OFFSET, pack

if TYPE_CHECKING:
    from flext_observability.pipeline.spool.record import SpoolRecord

_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)


@final
class Snapshot:
    """The file.

    Attributes:
        path: The file; None until it is written.
    """

    __slots__ = ("_descriptor", "path")

    def __init__(self) -> None:
        self.path: Path | None = None
        self._descriptor = -1

    def write(self, folder: Path, records: Sequence[SpoolRecord]) -> list[int]:
        """Replace the file, and return the position of each record.

        Raises:
            OSError: It cannot be written; the former file remains.
        """
        new, path = folder / NEW_SNAPSHOT_NAME, folder / SNAPSHOT_NAME
        packed = [pack(record) for record in records]
        descriptor = os.open(new, _FLAGS, 0o600)
        try:
            data = memoryview(b"".join(packed))
            while data:
                data = data[os.write(descriptor, data) :]
            new.replace(path)
        except OSError:
            os.close(descriptor)
            with suppress(OSError):
                new.unlink()
            raise
        self.abandon()
        self.path, self._descriptor = path, descriptor
        return [sum(map(len, packed[:number])) for number in range(len(packed))]

    def settle(self, offset: int) -> None:
        """Mark a record whose span ends normally."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.pwrite(self._descriptor, bytes([SETTLED]), offset + STATE_OFFSET)

    def delete(self) -> None:
        """Delete the file."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()
        self.abandon()

    def abandon(self) -> None:
        """Close the file, which remains. In a forked child: it is the parent's."""
        descriptor, self._descriptor, self.path = self._descriptor, -1, None
        if descriptor >= 0:
            with suppress(OSError):
                os.close(descriptor)
