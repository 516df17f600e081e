"""The spool of one service on disk: records are written, taken by workers, and settled. Nothing here raises."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from flext_observability.pipeline.spool.counts import SpoolCounts, SpoolTally
from flext_observability.pipeline.spool.folders import (
    REFUSED_FOLDER,
    ProcessFolder,
    adopt_folders,
    create_folder,
    make_private,
    total_bytes,
)
from flext_observability.pipeline.spool.record import SpoolRecord, pack
from flext_observability.pipeline.spool.segment import Segment, StoredRecord, segment_name
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.named_tuple import NamedTuple

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal

Key = tuple["Signal", str]
SEGMENT_BYTES: Final = 1 << 20
SEGMENT_SECONDS: Final = 300.0
MEASURE_SECONDS: Final = 5.0
"""Time between two measurements of the size: other processes write, too."""
MAX_FOLDERS: Final = 64
"""Folders of ended processes that are held at once: each costs a descriptor."""
FULL, EXPIRED, DAMAGED = "spool_full", "spool_expired", "spool_damaged"


class SpoolUsage(NamedTuple):
    """State of the spool.

    Attributes:
        folder: Folder of the service.
        size: Number of bytes of all its processes, as measured last.
        problem: Why the last record could not be written; empty when all is well.
    """

    folder: Path
    size: int
    problem: str


@final
class Spool:
    """The spool of one service. Thread-safe; created without I/O. A forked child starts with a folder of its own.

    Args:
        folder: Folder of the service.
        max_bytes: Size above which the oldest segments are dropped.
        max_age_seconds: Age at which segments are dropped.
        time_ns: Wall time, nanoseconds since the Unix epoch.
    """

    def __init__(
        self, folder: Path, *, max_bytes: int, max_age_seconds: float, time_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_age_ns = int(max_age_seconds * 1e9)
        self._time_ns = time_ns
        self._lock = ForkSafeLock()
        self._adopting = ForkSafeLock()
        self._exporters: dict[Signal, list[str]] = {}
        self._is_closed = False
        self._reset()
        register_fork_aware(self)

    def _reset(self) -> None:
        self._own: ProcessFolder | None = None
        self._current: Segment | None = None
        self._dead: Segment | None = None
        self._held: list[ProcessFolder] = []
        self._segments: list[Segment] = []
        self._deferred: list[StoredRecord] = []
        self._pending: dict[Key, deque[StoredRecord]] = {}
        self._tallies: dict[tuple[bool, Key], SpoolTally] = {}
        self._size = 0
        self._measured_at = -MEASURE_SECONDS
        self._problem = ""

    def register(self, signal: Signal, exporter: str) -> None:
        """Add an exporter. The first one of a signal sends what exporters left that are not configured any more."""
        self._exporters.setdefault(signal, []).append(exporter)

    def write(self, record: SpoolRecord) -> str:
        """Store a record. Return what is wrong, one sentence without a full stop; empty if it is stored."""
        data = pack(record)
        with self._lock:
            try:
                self._make_room(len(record.body))
                stored = self._open_segment(len(record.body)).append(record, data)
            except (OSError, ValueError) as error:
                self._problem = _describe(error)
                self._roll()
                return self._problem
            self._problem = ""
            self._size += stored.size
            self._tally(stored).total += stored.items
            self._pending.setdefault(stored.key, deque()).append(stored)
            return ""

    def write_dead(self, record: SpoolRecord) -> str:
        """Keep a record that the back end refused for good. Return what is wrong; empty if it is kept."""
        with self._lock:
            return self._write_dead(record)

    def pending(self, signal: Signal, exporter: str) -> int:
        """Return the number of records that may be taken."""
        return len(self._pending.get((signal, exporter), ()))

    def lease(self, signal: Signal, exporter: str) -> StoredRecord | None:
        """Return a record for one caller: the newest one, of metrics the oldest one; None if there is none."""
        with self._lock:
            waiting = self._pending.get((signal, exporter))
            if not waiting:
                return None
            stored = waiting.popleft() if signal == "metrics" else waiting.pop()
            stored.is_leased = True
            return stored

    def read(self, stored: StoredRecord) -> bytes | None:
        """Return the body of a taken record; None if it is damaged or gone, which is counted.

        A record that cannot be read for want of descriptors may be taken again after the next adoption.
        """
        try:
            record = stored.segment.read(stored)
        except OSError:
            self._deferred.append(stored)
            return None
        if record is None:
            with self._lock:
                self._drop(stored, DAMAGED)
                stored.segment.settle(stored)
        return None if record is None else record.body

    def settle(self, stored: StoredRecord, dead_reason: str = "") -> None:
        """End a taken record: it was delivered, or refused for good and goes to the refused records with the reason."""
        try:
            record = stored.segment.read(stored) if dead_reason else None
        except OSError:
            self._deferred.append(stored)
            return
        with self._lock:
            if dead_reason:
                self._drop(stored, dead_reason.partition(":")[0])
                if record is not None:
                    self._write_dead(record._replace(reason=dead_reason))
            else:
                self._tally(stored).delivered += stored.items
            size = stored.segment.size
            stored.segment.settle(stored)
            self._discard_empty(stored.segment, size)

    def release(self, stored: StoredRecord) -> None:
        """Return a taken record that was not sent."""
        with self._lock:
            stored.is_leased = False
            if stored.segment.size == 0:
                self._drop(stored, FULL)  # evicted meanwhile
                return
            waiting = self._pending.setdefault(stored.key, deque())
            (waiting.appendleft if stored.key[0] == "metrics" else waiting.append)(stored)

    def adopt(self) -> int:
        """Take over the folders of ended processes, and return the number of items in them."""
        with self._adopting:
            self._release_unused()
            found, room = 0, 0 if self._is_closed else MAX_FOLDERS - len(self._held)
            for folder in islice(adopt_folders(self._folder), room):
                folder.recover_snapshot(segment_name(self._time_ns()))
                segments = folder.load()  # without the lock: writers do not wait for it
                with self._lock:
                    found += self._add(folder, segments)
            with self._lock:
                self._expire()
                for key, waiting in self._pending.items():
                    self._pending[key] = deque(sorted(waiting, key=lambda each: each.created_ns))
            return found

    def own_folder(self) -> Path | None:
        """Return the folder of this process, which is created if necessary; None if it cannot be."""
        with self._lock:
            try:
                return None if self._is_closed else self._ensure_folder().path
            except OSError as error:
                self._problem = _describe(error)
                return None

    def counts(self, signal: Signal, exporter: str) -> SpoolCounts:
        """Return the counts of one signal and exporter."""
        with self._lock:
            own, found = (self._tallies.get((is_own, (signal, exporter)), SpoolTally()) for is_own in (True, False))
            return SpoolCounts(own.delivered, dict(own.dropped), found.total, found.delivered, dict(found.dropped))

    def usage(self) -> SpoolUsage:
        """Return the state of the spool, without I/O."""
        return SpoolUsage(self._folder, self._size, self._problem)

    def close(self) -> None:
        """Let other processes take what is left. The end: nothing is written or taken over any more."""
        with self._lock:
            self._is_closed = True
            self._roll()
            if self._dead is not None:
                self._dead.close()
            if self._own is not None:
                self._own.discard_snapshot()
            for folder in [*self._held, *([] if self._own is None else [self._own])]:
                folder.release()
            tallies = self._tallies
            self._reset()
            self._tallies = tallies

    def reinit_after_fork(self) -> None:
        """Drop what the parent has, without touching it."""
        for segment in (self._current, self._dead):
            if segment is not None and segment.is_open:
                with suppress(OSError):
                    os.close(segment.descriptor)
        for folder in [*self._held, *([] if self._own is None else [self._own])]:
            folder.abandon()
        self._lock = ForkSafeLock()
        self._reset()

    def _tally(self, stored: StoredRecord) -> SpoolTally:
        return self._tallies.setdefault((stored.is_own, stored.key), SpoolTally())

    def _drop(self, stored: StoredRecord, reason: str) -> None:
        self._tally(stored).dropped[reason] += stored.items

    def _open_segment(self, size: int) -> Segment:
        current, now = self._current, time.monotonic()
        if current is not None and (
            current.is_deleted()
            or (current.size and current.size + size > SEGMENT_BYTES)
            or now - current.created_at > SEGMENT_SECONDS
        ):
            self._roll()
            current = None
        if current is None:
            current = Segment(self._ensure_folder().path / segment_name(self._time_ns()))
            current.create()
            current.created_at = now
            self._current = current
            self._segments.append(current)
        return current

    def _ensure_folder(self) -> ProcessFolder:
        if self._own is None or not self._own.path.is_dir():
            if self._own is not None:
                self._own.abandon()
            self._own = create_folder(self._folder)
        return self._own

    def _roll(self) -> None:
        current, self._current = self._current, None
        if current is not None:
            current.close()
            self._discard_empty(current, current.size)

    def _discard_empty(self, segment: Segment, size: int) -> None:
        if segment.size == 0 and segment is not self._current and segment in self._segments:
            self._segments.remove(segment)
            self._size = max(self._size - size, 0)

    def _release_unused(self) -> None:
        """Release the folders of ended processes that have no record any more, and what could not be read."""
        with self._lock:
            deferred, self._deferred = self._deferred, []
            used = {segment.path.parent for segment in self._segments}
            held, self._held = self._held, []
            for folder in held:
                self._held.append(folder) if folder.path in used else folder.release()
        for stored in deferred:
            self.release(stored)

    def _add(self, folder: ProcessFolder, segments: list[Segment]) -> int:
        if self._is_closed or not segments:
            folder.release()
            return 0
        self._held.append(folder)
        return sum(self._add_segment(segment) for segment in segments)

    def _add_segment(self, segment: Segment) -> int:
        found = 0
        for stored in segment.records.values():
            known = self._exporters.get(stored.key[0], [])
            if known and stored.key[1] not in known:
                stored.key = stored.key[0], known[0]
            self._tally(stored).total += stored.items
            self._pending.setdefault(stored.key, deque()).append(stored)
            found += stored.items
        self._segments.append(segment)
        return found

    def _make_room(self, size: int) -> None:
        """Drop the oldest segments until a record of this size fits.

        Raises:
            ValueError: It does not fit, or the spool is closed.
        """
        if self._is_closed:
            raise ValueError("the spool is closed")
        now = time.monotonic()
        if now - self._measured_at >= MEASURE_SECONDS:
            self._measured_at = now
            self._size = total_bytes(self._folder)
            self._expire()
        if size > self._max_bytes:
            raise ValueError("the request is larger than spool_max_bytes")
        while self._size + size > self._max_bytes and self._segments:
            self._evict(min(self._segments, key=_first_created), FULL)
        if self._size + size > self._max_bytes:
            raise ValueError("spool_max_bytes is used up by other processes or refused records")

    def _expire(self) -> None:
        limit = self._time_ns() - self._max_age_ns
        for segment in list(self._segments):
            if all(stored.created_ns < limit for stored in segment.records.values()):
                self._evict(segment, EXPIRED)

    def _evict(self, segment: Segment, reason: str) -> None:
        if segment is self._current:
            self._current = None
        for stored in segment.records.values():
            if not stored.is_leased:
                self._drop(stored, reason)
                with suppress(ValueError, KeyError):
                    self._pending[stored.key].remove(stored)
        segment.records.clear()
        self._size = max(self._size - segment.size, 0)
        if segment.is_open:
            segment.close()
        segment.delete()
        with suppress(ValueError):
            self._segments.remove(segment)

    def _write_dead(self, record: SpoolRecord) -> str:
        if self._is_closed or self._size + len(record.body) > self._max_bytes:
            self._problem = "spool_max_bytes is used up; read the refused records, then drop them"
            return self._problem
        try:
            if self._dead is not None and (self._dead.is_deleted() or self._dead.size > SEGMENT_BYTES):
                self._dead.close()
                self._dead = None
            if self._dead is None:
                folder = self._folder / REFUSED_FOLDER
                make_private(self._folder)
                make_private(folder)
                self._dead = Segment(folder / segment_name(self._time_ns()))
                self._dead.create()
            self._size += self._dead.append(record).size
        except OSError as error:
            self._dead = None
            self._problem = _describe(error)
            return self._problem
        return ""


def _first_created(segment: Segment) -> int:
    return min((stored.created_ns for stored in segment.records.values()), default=0)


def _describe(error: Exception) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
