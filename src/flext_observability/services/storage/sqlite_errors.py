"""Error of SQLite's → failure code, what is wrong with the file, and the next action."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from flext_observability.services.storage.schema import UnusableFile
from flext_observability.values.exceptions import describe_error

_CORRUPT: Final = "move it away (a new one is made), or restore it from a copy"
_FAULTS: Final[Mapping[int, tuple[str, str, str]]] = {
    sqlite3.SQLITE_READONLY: (
        "storage_read_only",
        "can only be read",
        "open it without mode=ro, or let this user write it",
    ),
    sqlite3.SQLITE_FULL: ("storage_full", "is full", "free disk space, raise max_bytes, or lower max_entities"),
    sqlite3.SQLITE_CORRUPT: ("storage_corrupt", "is damaged", _CORRUPT),
    sqlite3.SQLITE_NOTADB: ("storage_corrupt", "is no SQLite database", _CORRUPT),
}
"""Primary result code → failure code, what is wrong, the next action. Source: https://www.sqlite.org/rescode.html"""


def explain(path: str, timeout_seconds: float, error: Exception) -> tuple[str, str]:
    """Return failure code and message.

    Args:
        path: The database, as the user named it.
        timeout_seconds: How long was waited for others, in seconds.
        error: What went wrong.
    """
    code, message, fix = _parts(path, timeout_seconds, error)
    return code, f"Storage {path!r} {message}: {fix}"


def _parts(path: str, timeout_seconds: float, error: Exception) -> tuple[str, str, str]:
    if isinstance(error, UnusableFile):
        return error.code, error.message, error.fix
    # The low byte is the primary code; errors of the Python module itself have none.
    primary = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        message = f"is locked by another program, for more than {timeout_seconds:g} s"
        return "storage_locked", message, "end what holds the lock, or raise timeout_seconds"
    if primary == sqlite3.SQLITE_CANTOPEN:
        return ("storage_unavailable", *_cannot_open(_file(path)))
    if primary in _FAULTS:
        return _FAULTS[primary]
    return "storage_error", f"failed: {describe_error(error)}", "check the file and the entity"


def _file(path: str) -> Path:
    """Return the file that a path or URI names."""
    return Path(unquote(path[5:].partition("?")[0]) if path.startswith("file:") else path)


def _cannot_open(path: Path) -> tuple[str, str]:
    if path.is_dir():
        return "is a directory", "name a file"
    if not path.parent.is_dir():
        return "is in a directory that does not exist", "make the directory"
    return "cannot be opened", "check that the file is there and that this user may read it and its directory"
