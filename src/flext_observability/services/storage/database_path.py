"""Path or URI of an SQLite database → its file, which is created for its owner alone (standard library only)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote

_SCHEME: Final = "file:"
_CREATING: Final = "rwc"
"""Mode that creates a missing file."""


def is_in_memory(path: str) -> bool:
    """Return whether a database is in memory."""
    return path == ":memory:" or (path.startswith(_SCHEME) and _mode(path) == "memory")


def database_file(path: str) -> Path:
    """Return the file of a path or URI."""
    return Path(unquote(path.removeprefix(_SCHEME).partition("?")[0]) if path.startswith(_SCHEME) else path)


def create_private(path: str) -> None:
    """Create a missing file with the mode 0600, unless the URI does not create it. SQLite would let others read it.

    An existing file keeps its mode. The other files of the database get that of this file.
    """
    if not path.startswith(_SCHEME) or _mode(path) == _CREATING:
        with suppress(OSError, ValueError):  # SQLite reports it
            os.close(os.open(database_file(path), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _mode(path: str) -> str:
    return parse_qs(path.partition("?")[2]).get("mode", [_CREATING])[-1]
