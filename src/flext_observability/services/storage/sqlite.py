"""Storage in an SQLite file, shared by threads and processes (SQLiteStorage)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, final

from flext_observability.domain.criteria import validate_criteria
from flext_observability.domain.guard import never_raises
from flext_observability.domain.result import FlextResult
from flext_observability.domain.rules import Violation, to_result
from flext_observability.runtime.internal_log import report_once
from flext_observability.services.storage.connection import SharedConnection
from flext_observability.services.storage.database_path import create_private, database_file, is_in_memory
from flext_observability.services.storage.rows import (
    Row,
    from_row,
    search_text,
    tag_text,
    to_row,
    validate_count,
    validate_entity,
)
from flext_observability.services.storage.schema import UnusableFile, prepare
from flext_observability.services.storage.sqlite_errors import explain
from flext_observability.values.encoding import preview
from flext_observability.values.foreign import plain_int, plain_number, plain_text
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.regular_file import NOT_REGULAR, is_special
from flext_observability.values.timestamps import to_unix_micros

if TYPE_CHECKING:
    from flext_observability.domain.criteria import MetricsCriteria
    from flext_observability.domain.entity import Entity

T = TypeVar("T")

MAX_TIMEOUT_SECONDS: Final = 86_400
_PARTS: Final = 10
_STORE: Final = """
    INSERT INTO entities (kind, id, name, time_us, tags, body, emitted) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name, time_us = excluded.time_us, tags = excluded.tags,
        body = excluded.body, emitted = excluded.emitted
"""
_TRIM: Final = """
    DELETE FROM entities WHERE kind = :kind AND seq <= (
        SELECT seq FROM entities WHERE kind = :kind ORDER BY seq DESC LIMIT 1 OFFSET :kept
    )
"""
_BODIES: Final = "SELECT body, emitted FROM entities WHERE"
_NEWEST_FIRST: Final = "ORDER BY time_us DESC, seq DESC LIMIT ? OFFSET ?"
_TAG: Final = """
    EXISTS (SELECT 1 FROM json_each(CASE WHEN typeof(tags) = 'text' AND json_valid(tags) THEN tags ELSE '{}' END)
        WHERE key = ? AND value = ?)
"""
"""A row whose tags are not JSON has none; it would end the query."""


@final
class SQLiteStorage:
    """Storage in one SQLite file. Safe for threads, processes and forks.

    The file is opened on first use, and a new one is for its owner alone (mode 0600). Stored entities survive a killed
    process. A fork waits for the operation in progress, and each process then opens the file itself. Reads do not wait
    for writes.

    Args:
        path: File, ``:memory:``, or a URI. ``file:telemetry.sqlite3?mode=ro`` is read-only.
        max_entities: Maximum number of entities of each kind, 1 or more. Beyond it the oldest tenth is evicted. Each
            further process that writes may add a tenth.
        timeout_seconds: Time limit of an operation for waiting for a lock, in seconds, 0 to 86 400.
        max_bytes: Maximum size of the file, in bytes. None: no limit.
    """

    def __init__(
        self,
        path: str | PathLike[str] = "flext_observability.sqlite3",
        *,
        max_entities: int = 100_000,
        timeout_seconds: float = 5.0,
        max_bytes: int | None = None,
    ) -> None:
        self._options = _validate_options(path, max_entities, timeout_seconds, max_bytes)
        self._path = _path_text(path)
        self._max_entities = plain_int(max_entities) or 0
        self._timeout = plain_number(timeout_seconds) or 0.0
        self._max_bytes = plain_int(max_bytes)
        self._until_trim: dict[str, int] = {}
        self._evicted = 0
        self._closed = False
        in_memory = is_in_memory(self._path)
        self._writer = SharedConnection(self._connect, in_memory=in_memory)
        self._reader = self._writer if in_memory else SharedConnection(self._connect, in_memory=False)

    @property
    def evicted(self) -> int:
        """Number of entities that this object evicted so far."""
        return self._evicted

    @never_raises
    def store(self, entity: Entity) -> FlextResult[None]:
        """Store the current state of an entity. It replaces an entity with the same kind and id.

        Returns:
            Success, or a failure: ``invalid_argument`` (not an entity, or invalid options), ``storage_locked``,
            ``storage_full``, ``storage_read_only``, ``storage_corrupt``, ``storage_unavailable`` (cannot be opened),
            ``storage_version`` (of a newer version), ``storage_foreign`` (of another program), ``storage_closed``,
            ``storage_error``.
        """
        return validate_entity(entity).flat_map(lambda _: self._attempt(lambda: self._write(to_row(entity))))

    @never_raises
    def query(self, kind: str, criteria: MetricsCriteria) -> FlextResult[list[Entity]]:
        """Return the newest ``criteria.limit`` matching entities of a kind, oldest first.

        An invalid row is skipped and logged once.

        Returns:
            The entities, or a failure: ``invalid_criteria``, or one of ``store``.
        """
        known = _kind_text(kind)
        return validate_criteria(criteria).flat_map(lambda valid: self._attempt(lambda: self._find(known, valid)))

    @never_raises
    def count(self, kind: str) -> FlextResult[int]:
        """Return the number of entities of a kind. Failures: see ``store``."""
        statement = "SELECT count(*) FROM entities WHERE kind = ?"
        return self._attempt(lambda: cast("int", self._read(statement, (_kind_text(kind),))[0][0]))

    @never_raises
    def clear(self) -> FlextResult[None]:
        """Delete every entity. Failures: see ``store``."""
        return self._attempt(self._delete)

    def close(self) -> None:
        """Close the file. Every later operation fails with ``storage_closed``."""
        self._closed = True
        self._writer.close()
        self._reader.close()

    def _attempt(self, work: Callable[[], T]) -> FlextResult[T]:
        if self._options.is_failure:
            return cast("FlextResult[T]", self._options)
        try:
            return FlextResult.ok(work())
        except BaseException as error:  # noqa: BLE001 - the border: SQLite errors, and values that cannot be written
            reraise_interrupt(error)
            code, reason, fix = explain(self._path, self._timeout, error)
            return FlextResult[T].fail(f"Storage {self._path!r}: {reason}", code=code, fix=fix)

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise UnusableFile("storage_closed", "the storage is closed", "Create a new SQLiteStorage")
        if is_special(database_file(self._path)):  # SQLite would wait for the other end of a pipe
            raise UnusableFile("storage_unavailable", NOT_REGULAR, "Pass the path of a file")
        if not is_in_memory(self._path):
            create_private(self._path)
        connection = sqlite3.connect(
            self._path,
            timeout=self._timeout,
            isolation_level=None,
            check_same_thread=False,  # SharedConnection lets one thread at a time use it
            uri=True,  # applies to paths that start with file:
        )
        connection.text_factory = _decoded
        try:
            prepare(connection, self._timeout)
            if self._max_bytes is not None:
                page_size = int(connection.execute("PRAGMA page_size").fetchone()[0])
                connection.execute(f"PRAGMA max_page_count = {max(self._max_bytes // page_size, 1)}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _write(self, row: Row) -> None:
        with self._writer.use() as connection:
            left = self._until_trim.get(row.kind, 0)
            if not left:
                left = max(self._max_entities // _PARTS, 1)
                values = {"kind": row.kind, "kept": self._max_entities - left}
                self._evicted += connection.execute(_TRIM, values).rowcount
            connection.execute(_STORE, row)
            self._until_trim[row.kind] = left - 1

    def _delete(self) -> None:
        with self._writer.use() as connection:
            connection.execute("DELETE FROM entities")

    def _find(self, kind: str, criteria: MetricsCriteria) -> list[Entity]:
        statement, values = _build_query(kind, criteria)
        entities: list[Entity] = []
        offset, page = 0, criteria.limit
        while page:
            rows = self._read(statement, (*values, page, offset))
            entities += self._entities(kind, rows)
            missing = criteria.limit - len(entities)
            offset += page
            page = 2 * page if missing > 0 and len(rows) == page else 0  # invalid rows took the places of others
        return entities[: criteria.limit][::-1]

    def _entities(self, kind: str, rows: list[tuple[Any, ...]]) -> Iterator[Entity]:
        for body, emitted in rows:
            try:
                yield from_row(kind, cast("str", body), emitted=bool(emitted))
            except BaseException as error:  # noqa: BLE001 - an invalid row must not hide the others
                reraise_interrupt(error)
                report_once(f"Reading a stored {kind} of {self._path!r}", error)

    def _read(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._reader.use() as connection:
            return connection.execute(statement, values).fetchall()


def _build_query(kind: str, criteria: MetricsCriteria) -> tuple[str, tuple[object, ...]]:
    """Return the SQL statement of the criteria, newest entity first, and its values up to limit and offset."""
    conditions, values = ["kind = ?"], list[object]([kind])
    if criteria.name is not None:
        conditions.append("name = ?")
        values.append(search_text(criteria.name))
    for name, tag in criteria.tags.items():
        conditions.append(_TAG)
        values += [tag_text(name), tag_text(tag)]
    for condition, moment in (("time_us >= ?", criteria.since), ("time_us < ?", criteria.until)):
        if moment is not None:
            conditions.append(condition)
            values.append(to_unix_micros(moment))
    # Only constants are joined. Every value is bound.
    statement = " ".join((_BODIES, " AND ".join(conditions), _NEWEST_FIRST))
    return statement, tuple(values)


def _decoded(text: bytes) -> str:
    """Return a stored text. Bytes that are not UTF-8 concern their row only."""
    return text.decode(errors="replace")


def _kind_text(kind: object) -> str:
    """Return the kind as text, empty for an object that is not text."""
    return search_text(plain_text(kind) or "")


def _path_text(path: object) -> str:
    """Return the path as text, empty for an invalid path."""
    try:
        return plain_text(fspath(cast("str", path))) or ""
    except BaseException as error:  # noqa: BLE001 - not a path, or one that raises
        reraise_interrupt(error)
        return ""


def _validate_options(
    path: object, max_entities: object, timeout_seconds: object, max_bytes: object
) -> FlextResult[None]:
    if not _path_text(path):
        return to_result(Violation("path", preview(path), "Pass a file name, ':memory:' or a URI"), "argument")
    seconds = plain_number(timeout_seconds)
    if seconds is None or not 0 <= seconds <= MAX_TIMEOUT_SECONDS:
        fix = f"Use 0 to {MAX_TIMEOUT_SECONDS} seconds"
        return to_result(Violation("timeout_seconds", preview(timeout_seconds), fix), "argument")
    valid = validate_count("max_entities", max_entities)
    if max_bytes is not None:
        valid = valid.flat_map(lambda _: validate_count("max_bytes", max_bytes))
    return valid.map(lambda _: None)
