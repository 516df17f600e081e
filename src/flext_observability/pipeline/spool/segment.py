"""Segments of the spool: append-only files of records, and the state of each record in them."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from flext_observability.pipeline.spool.record import SETTLED, STATE_OFFSET, STORED, pack, scan, unpack
from flext_observability.values.regular_file import open_regular

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal
    from flext_observability.pipeline.spool.record import SpoolRecord

SUFFIX: Final = ".spool"
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_FLAGS: Final = os.O_RDWR | os.O_CLOEXEC | _NO_LINK
_GONE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


@final
class StoredRecord:
    """A record on disk, without its body.

    Attributes:
        segment: Its segment.
        offset: Position in the segment.
        key: Signal and name of the exporter that sends it.
        size: Number of bytes.
        items: Number of items.
        created_ns: When it was made, nanoseconds since the Unix epoch.
        is_own: Whether this process has written it.
        is_leased: Whether a worker sends it.
    """

    __slots__ = ("created_ns", "is_leased", "is_own", "items", "key", "offset", "segment", "size")

    def __init__(self, segment: Segment, offset: int, size: int, record: SpoolRecord, *, is_own: bool) -> None:
        self.segment = segment
        self.offset = offset
        self.size = size
        self.key: tuple[Signal, str] = record.signal, record.exporter
        self.items = record.items
        self.created_ns = record.created_ns
        self.is_own = is_own
        self.is_leased = False


@final
class Segment:
    """One file. Its owner limits it to one thread at a time.

    Attributes:
        path: The file.
        size: Number of bytes.
        records: Records that are not settled, in order.
        damaged: Number of damaged parts that were skipped.
        is_open: Whether records may be appended.
        created_at: When the first record was appended, monotonic seconds.
    """

    __slots__ = ("created_at", "damaged", "descriptor", "path", "records", "size")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.records: dict[int, StoredRecord] = {}
        self.damaged = 0
        self.descriptor = -1
        self.created_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether records may be appended."""
        return self.descriptor >= 0

    def create(self) -> None:
        """Create the file.

        Raises:
            OSError: It cannot be created.
        """
        self.descriptor = os.open(self.path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)

    def is_deleted(self) -> bool:
        """Return whether another process has deleted the open file."""
        return os.fstat(self.descriptor).st_nlink == 0

    def append(self, record: SpoolRecord, data: bytes = b"") -> StoredRecord:
        """Append a record in one piece: a part of it is removed again.

        Args:
            record: The record.
            data: Its bytes, if they are known.

        Raises:
            OSError: It cannot be written.
        """
        data = data or pack(record)
        offset = self.size
        try:
            written = os.pwrite(self.descriptor, data, offset)
            while written < len(data):  # a full disk reports its error at the next write
                written += os.pwrite(self.descriptor, data[written:], offset + written)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self.descriptor, offset)
            raise
        self.size = offset + len(data)
        stored = self.records[offset] = StoredRecord(self, offset, len(data), record, is_own=True)
        return stored

    def load(self) -> None:
        """Read the records of a file that another process has written.

        Raises:
            OSError: It cannot be read.
        """
        with os.fdopen(open_regular(self.path, os.O_RDONLY | _NO_LINK), "rb") as file:
            data = file.read()
        self.size = len(data)
        for found in scan(data):
            if found.record is None:
                self.damaged += 1
            elif found.state == STORED:
                stored = StoredRecord(self, found.offset, found.size, found.record, is_own=False)
                self.records[found.offset] = stored

    def read(self, stored: StoredRecord) -> SpoolRecord | None:
        """Return a record with its body; None if it is damaged or gone.

        Raises:
            OSError: The file cannot be opened or read now, for example for want of descriptors.
        """
        try:
            descriptor = os.open(self.path, _FLAGS)
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise
        try:
            found = unpack(os.pread(descriptor, stored.size, stored.offset), 0)
        finally:
            os.close(descriptor)
        return None if found is None else found.record

    def settle(self, stored: StoredRecord) -> None:
        """Mark a record as settled; the last one deletes the file, unless records may still be appended."""
        self.records.pop(stored.offset, None)
        if not self.records and not self.is_open:
            self.delete()
            return
        with suppress(OSError):  # it is sent again by a later process at worst
            if self.is_open:
                os.pwrite(self.descriptor, bytes([SETTLED]), stored.offset + STATE_OFFSET)
                return
            descriptor = os.open(self.path, _FLAGS)
            try:
                os.pwrite(descriptor, bytes([SETTLED]), stored.offset + STATE_OFFSET)
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Append no more. Without records, the file is deleted."""
        descriptor, self.descriptor = self.descriptor, -1
        with suppress(OSError):
            os.close(descriptor)
        if not self.records:
            self.delete()

    def delete(self) -> None:
        """Delete the file."""
        self.size = 0
        with suppress(OSError):
            self.path.unlink()


_numbers = count(1)


def segment_name(created_ns: int) -> str:
    """Return a name for a new segment; names sort by time."""
    return f"{created_ns:020d}-{next(_numbers):06d}{SUFFIX}"
