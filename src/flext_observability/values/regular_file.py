"""Path → file descriptor of a regular file; never waits for the other end of a pipe (standard library only)."""

from __future__ import annotations

import os
from errno import EINVAL, ENXIO
from stat import S_ISDIR, S_ISREG
from typing import Final

NOT_REGULAR: Final = "it is not a regular file"
"""Reason in messages for pipes, sockets and devices."""
_FLAGS: Final = os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def open_regular(path: str | os.PathLike[str], flags: int, *, accept_any: bool = False) -> int:
    """Open a file without waiting, and return its descriptor. A new file is for its owner alone.

    Args:
        path: The file. A link is followed.
        flags: As of ``os.open``.
        accept_any: Whether to accept pipes and devices; reading and writing does not wait there.

    Raises:
        OSError: The file cannot be opened, or is not a regular file.
    """
    try:
        descriptor = os.open(path, flags | _FLAGS, 0o600)
    except OSError as error:
        if error.errno == ENXIO:  # a socket, or a pipe that no other process has open
            raise OSError(ENXIO, NOT_REGULAR, os.fspath(path)) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if S_ISREG(mode) or (accept_any and not S_ISDIR(mode)):
        return descriptor
    os.close(descriptor)
    raise OSError(EINVAL, NOT_REGULAR, os.fspath(path))


def read_regular(path: str) -> bytes:
    """Return the content of a regular file.

    Raises:
        OSError: As of ``open_regular``, or the file cannot be read.
    """
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        return file.read()


def is_special(path: str | os.PathLike[str]) -> bool:
    """Return whether the path is a pipe, a socket or a device, which may block its caller when it is opened."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - pathlib costs start-up time
    except (OSError, ValueError):
        return False
    return not S_ISREG(mode) and not S_ISDIR(mode)
