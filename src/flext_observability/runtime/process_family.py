"""The family of this process: the processes of one program, known by the process that started them (``family_root``).

Children of the family are forks, of a pre-forking server for example, and children of ``multiprocessing`` by any start
method. Standard library only.
"""

from __future__ import annotations

import os
import re
import sys
from errno import ESRCH
from typing import Final, TypeAlias

from flext_observability.values.named_tuple import NamedTuple

Directory: TypeAlias = str | os.PathLike[str]
PROC: Final = "/proc"
_MAX_DEPTH: Final = 16
_TITLE: Final = re.compile(rb"^gunicorn: \w+ ")
_START_COMMANDS: Final = (b"--multiprocessing-fork", b"from multiprocessing.forkserver import main")
_PARENT_FIELD: Final = 1
_START_FIELD: Final = 19


class ProcessIdentity(NamedTuple):
    """One process; a later process with the same number has another identity.

    Attributes:
        pid: Number of the process.
        started: Start time in units of the system; 0 where the system does not show it.
    """

    pid: int
    started: int


def own_identity(proc: Directory = PROC) -> ProcessIdentity:
    """Return the identity of this process."""
    return ProcessIdentity(os.getpid(), _started(proc, os.getpid()))


def family_root(proc: Directory = PROC) -> ProcessIdentity:
    """Return the process that started the family of this process: itself, if it was started by another program.

    Args:
        proc: Directory of the processes. Without it only the parent of a ``multiprocessing`` child is known.
    """
    pid = os.getpid()
    if not _stat(proc, pid):
        return ProcessIdentity(_multiprocessing_parent() or pid, 0)
    for _ in range(_MAX_DEPTH):
        stat = _stat(proc, pid)
        parent = int(stat[_PARENT_FIELD]) if stat else 0
        if parent == 0 or not _is_of_family(_command(proc, pid), _command(proc, parent)):
            break
        pid = parent
    return ProcessIdentity(pid, _started(proc, pid))


def is_running(process: ProcessIdentity) -> bool:
    """Return whether the process has not ended. A process of another user is visible, too."""
    if process.started:
        return _started(PROC, process.pid) == process.started
    try:
        os.kill(process.pid, 0)
    except OSError as error:
        return error.errno != ESRCH  # it exists, but belongs to another user
    return True


def _is_of_family(command: bytes, parent_command: bytes) -> bool:
    """Return whether a child is a fork of its parent, which has the same command, or a ``multiprocessing`` child."""
    if not command or not parent_command:
        return False
    if any(each in command for each in _START_COMMANDS):
        return True
    return _TITLE.sub(b"", command) == _TITLE.sub(b"", parent_command)


def _multiprocessing_parent() -> int | None:
    process = sys.modules.get("multiprocessing.process")
    parent = None if process is None else process.parent_process()
    return None if parent is None else parent.pid


def _command(proc: Directory, pid: int) -> bytes:
    try:
        return _read(proc, pid, "cmdline")
    except OSError:
        return b""


def _stat(proc: Directory, pid: int) -> list[bytes]:
    """Return the fields after the name of the program, which may contain spaces and parentheses.

    Source: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    try:
        return _read(proc, pid, "stat").rpartition(b")")[2].split()
    except OSError:
        return []


def _started(proc: Directory, pid: int) -> int:
    fields = _stat(proc, pid)
    return int(fields[_START_FIELD]) if fields else 0


def _read(proc: Directory, pid: int, name: str) -> bytes:
    with open(f"{os.fspath(proc)}/{pid}/{name}", "rb") as file:  # noqa: PTH123 - pathlib costs start-up time
        return file.read()
