"""Folder of all spools → what is in it, for people; and its removal. Processes that run keep what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from flext_observability.pipeline.spool.folders import (
    LOCK_NAME,
    REFUSED_FOLDER,
    ProcessFolder,
    is_held,
    process_folders,
)
from flext_observability.pipeline.spool.record import STORED, scan
from flext_observability.pipeline.spool.segment import SUFFIX
from flext_observability.runtime.process_lock import ProcessLock
from flext_observability.values.named_tuple import NamedTuple

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal

State = Literal["running", "ended", "refused"]
_HASH_LENGTH: Final = 9


class Holding(NamedTuple):
    """Requests of one process, signal and exporter.

    Attributes:
        service: Folder of the service: its name and a short hash.
        process: Process id with a random part; ``dead-letters`` for refused requests.
        state: ``running``, ``ended``, or ``refused`` for what back ends refused for good.
        signal: Signal of the items.
        exporter: Name of the exporter.
        requests: Number of requests.
        items: Number of items (metrics: data points).
        size: Number of bytes of the requests.
        oldest_ns: When the oldest one was stored, nanoseconds since the Unix epoch.
        reason: Why the newest refused one was refused; empty for others.
    """

    service: str
    process: str
    state: State
    signal: Signal
    exporter: str
    requests: int
    items: int
    size: int
    oldest_ns: int
    reason: str


def services(directory: Path) -> list[Path]:
    """Return the folders of all services."""
    with suppress(OSError):
        return sorted(each for each in directory.iterdir() if each.is_dir() and each.name[-_HASH_LENGTH:-8] == "-")
    return []


def holdings(directory: Path) -> Iterator[Holding]:
    """Yield what each process of each service has stored."""
    for service in services(directory):
        for folder in process_folders(service):
            yield from _holdings(service.name, folder, "running" if is_held(folder) else "ended")
        yield from _holdings(service.name, service / REFUSED_FOLDER, "refused")


def _holdings(service: str, folder: Path, state: State) -> Iterator[Holding]:
    found: dict[tuple[Signal, str], Holding] = {}
    for path in _segments(folder):
        with suppress(OSError):
            for each in scan(path.read_bytes()):
                if each.record is None or each.state != STORED:
                    continue
                record = each.record
                key = record.signal, record.exporter
                before = found.get(key) or Holding(service, folder.name, state, *key, 0, 0, 0, record.created_ns, "")
                found[key] = before._replace(
                    requests=before.requests + 1,
                    items=before.items + record.items,
                    size=before.size + each.size,
                    oldest_ns=min(before.oldest_ns, record.created_ns),
                    reason=record.reason,
                )
    yield from found.values()


def drop(directory: Path, *, refused: bool) -> int:
    """Delete what ended processes left, or with ``refused`` what back ends refused; return the number of items."""
    dropped = 0
    for service in services(directory):
        if refused:
            folder = service / REFUSED_FOLDER
            dropped += _items(folder)
            _delete(folder)
            continue
        for folder in process_folders(service):
            lock = ProcessLock(folder / LOCK_NAME)
            if lock.acquire():
                dropped += _items(folder)
                _delete(folder)
                ProcessFolder(folder, lock).release()
    return dropped


def _items(folder: Path) -> int:
    return sum(each.items for each in _holdings("", folder, "ended"))


def _delete(folder: Path) -> None:
    for path in _segments(folder):
        with suppress(OSError):
            path.unlink()


def _segments(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(each for each in folder.iterdir() if each.name.endswith(SUFFIX))
    return []
