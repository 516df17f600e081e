"""SQLite error → failure code, reason and fix."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from typing import Final, cast

from flext_observability.services.storage.database_path import database_file
from flext_observability.services.storage.schema import UnusableFile
from flext_observability.values.exceptions import describe_error

_CORRUPT_FIX: Final = "Move the file away (the next call creates a new one), or restore it from a backup"
_MISSING: Final = re.compile("^no such |has no column named")
"""Wording of SQLite for what another program has removed; its result code is that of any error."""
_BY_RESULT_CODE: Final[Mapping[int, tuple[str, str, str]]] = {
    sqlite3.SQLITE_READONLY: (
        "storage_read_only",
        "the database is read-only",
        "Open it without mode=ro, or give this user write permission",
    ),
    sqlite3.SQLITE_FULL: (
        "storage_full",
        "the database or disk is full",
        "Free disk space, raise max_bytes, or lower max_entities",
    ),
    sqlite3.SQLITE_CORRUPT: ("storage_corrupt", "the database is damaged", _CORRUPT_FIX),
    sqlite3.SQLITE_NOTADB: ("storage_corrupt", "the file is not an SQLite database", _CORRUPT_FIX),
}
"""Primary result code → failure code, reason, fix. Source: https://www.sqlite.org/rescode.html"""


def explain(path: str, timeout_seconds: float, error: BaseException) -> tuple[str, str, str]:
    """Return failure code, reason and fix.

    Args:
        path: Path or URI of the database.
        timeout_seconds: Time limit for waiting for a lock, in seconds.
        error: The exception.
    """
    if isinstance(error, UnusableFile):
        return cast("tuple[str, str, str]", error.args)
    # The low byte is the primary code. Errors of the Python module itself have none.
    primary = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        reason = f"another program has locked the database for more than {timeout_seconds:g} s"
        return "storage_locked", reason, "End the program that holds the lock, or raise timeout_seconds"
    if primary == sqlite3.SQLITE_CANTOPEN:
        return ("storage_unavailable", *_explain_open_failure(path))
    if primary in _BY_RESULT_CODE:
        return _BY_RESULT_CODE[primary]
    if isinstance(error, sqlite3.OperationalError) and _MISSING.search(str(error)):
        return "storage_corrupt", "the database lacks a table or a column", _CORRUPT_FIX
    return "storage_error", describe_error(error), "Check the file and the entity"


def _explain_open_failure(path: str) -> tuple[str, str]:
    file = database_file(path)
    if file.is_dir():
        return "the path is a directory", "Pass the path of a file"
    if not file.parent.is_dir():
        return "the directory does not exist", "Create the directory"
    return "the file cannot be opened", "Check that the file exists and that this user may read it and its directory"
