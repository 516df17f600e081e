"""The directory that the processes of one program share: their snapshots, and the totals of those that have ended."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from importlib import import_module
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING, Final, final

from flext_observability.runtime.process_family import ProcessIdentity, is_running
from flext_observability.runtime.process_lock import ProcessLock, is_locked
from flext_observability.values.dataclass import dataclass
from flext_observability.values.exceptions import describe_error
from flext_observability.values.regular_file import read_regular
from flext_observability.wire.metric_snapshot.decode import SnapshotError, from_bytes
from flext_observability.wire.metric_snapshot.encode import to_bytes

if TYPE_CHECKING:
    from flext_observability.wire.metric_snapshot.encode import Document

PREFIX: Final = "flext-"
LOCK: Final = ".lock"
SNAPSHOT: Final = ".metrics"
WAKE: Final = ".wake"
_TOTALS: Final = "flext-totals.metrics"
_FOLD_LOCK: Final = "flext-totals.lock"
_NAME: Final = re.compile(r"flext-\d+-[0-9a-f]+")
_RUN_NAME: Final = re.compile(r"(\d+)-(\d+)")
_MAX_READS: Final = 32
_PRIVATE: Final = 0o700
_MODULES: Final = (
    "flext_observability.pipeline.shared_page.merged_metrics",
    "flext_observability.pipeline.shared_page.snapshot_request",
    "shutil",
)


@dataclass(slots=True)
class Reading:
    """Documents of one moment.

    Attributes:
        totals: Document of the processes that have ended before; None for none.
        running: Documents of running processes, by name.
        ended: Documents of processes that have ended since, by name.
        ignored: Reason by name of a file that is not a snapshot.
    """

    totals: Document | None = None
    running: dict[str, Document] = field(default_factory=dict[str, "Document"])
    ended: dict[str, Document] = field(default_factory=dict[str, "Document"])
    ignored: dict[str, str] = field(default_factory=dict[str, str])

    def load(self, path: Path) -> Document | None:
        """Return the document of a file; None if it does not exist, or is not a snapshot."""
        try:
            return from_bytes(read_regular(str(path)))
        except FileNotFoundError:
            return None
        except (OSError, SnapshotError, ValueError) as error:
            self.ignored[path.name] = describe_error(error)
            return None


@final
class ProcessDirectory:
    """A directory of processes. Thread-safe, and safe for a process that ends at any moment.

    Args:
        path: Absolute path.
        is_automatic: Whether no setting names it. Then it, and its parent, must belong to this user alone.
    """

    __slots__ = ("_fold_lock", "is_automatic", "path")

    def __init__(self, path: Path, *, is_automatic: bool) -> None:
        self.path = path
        self.is_automatic = is_automatic
        self._fold_lock = ProcessLock(path / _FOLD_LOCK)

    def create(self) -> None:
        """Create the directory, and remove the files of programs that have ended.

        Raises:
            OSError: It cannot be created, or is not private.
        """
        if self.is_automatic:
            _make_private(self.path.parent)
            _remove_ended_programs(self.path)
            _make_private(self.path.parent)  # it was removed if it was empty
            _make_private(self.path)
        else:
            self.path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            self._remove_ended_program()

    def names(self) -> list[str]:
        """Return the names of all processes, running or not."""
        with suppress(OSError):
            return sorted(
                path.stem for path in self.path.iterdir() if path.suffix == LOCK and _NAME.fullmatch(path.stem)
            )
        return []

    def is_used(self) -> bool:
        """Return whether a process shares its metrics, or has done so."""
        return bool(self.names()) or (self.path / _TOTALS).exists()

    @staticmethod
    def load_modules() -> None:
        """Import what the other methods use: the end of a process is too late for imports."""
        for module in _MODULES:
            import_module(module)

    def file(self, name: str, suffix: str) -> Path:
        """Return the path of a file of a process."""
        return self.path / f"{name}{suffix}"

    def is_running(self, name: str) -> bool:
        """Return whether the process of a name, another one, is running."""
        return is_locked(self.file(name, LOCK))

    def read(self, own: str) -> Reading:
        """Return the documents of all other processes, each one counted once.

        Args:
            own: Name of this process, which is left out.
        """
        before, reading, reads = self._totals_state(), self._read_once(own), 1
        # Another process may have added up ended ones meanwhile.
        while (after := self._totals_state()) != before and reads < _MAX_READS:
            before, reading, reads = after, self._read_once(own), reads + 1
        return reading

    def fold(self, ended: Collection[str], own: Mapping[str, Document] | None = None) -> bool:
        """Add the snapshots of ended processes to the totals, and remove their files. Never waits.

        Args:
            ended: Names of processes that have ended.
            own: Name and document of this process, at its end.

        Returns:
            False if another process adds up at this moment.

        Raises:
            OSError: The totals cannot be written; nothing is removed then.
        """
        if not self._fold_lock.acquire():
            return False
        try:
            self._fold(ended, own or {})
        finally:
            self._fold_lock.release()
        return True

    def remove(self, name: str) -> None:
        """Remove the files of a process, the lock last."""
        for suffix in (SNAPSHOT, WAKE, LOCK):
            with suppress(OSError):
                self.file(name, suffix).unlink()

    def remove_if_unused(self) -> None:
        """Remove a private directory without running processes."""
        if self.is_automatic and not any(map(self.is_running, self.names())):
            import shutil

            shutil.rmtree(self.path, ignore_errors=True)
            with suppress(OSError):  # other programs use it
                self.path.parent.rmdir()

    def write(self, path: Path, content: bytes) -> None:
        """Replace a file in one step.

        Raises:
            OSError: It cannot be written.
        """
        temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            temporary.replace(path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise

    def _read_once(self, own: str) -> Reading:
        reading = Reading()
        reading.totals = reading.load(self.path / _TOTALS)
        folded = set(reading.totals["folded"]) if reading.totals else set[str]()
        for name in self.names():
            if name == own or name in folded:
                continue
            running = self.is_running(name)
            document = reading.load(self.file(name, SNAPSHOT))
            if document is not None:
                (reading.running if running else reading.ended)[name] = document
            elif not running:
                reading.ended[name] = {"resources": []}
        return reading

    def _totals_state(self) -> tuple[int, int, int] | None:
        try:
            found = (self.path / _TOTALS).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _fold(self, ended: Collection[str], own: Mapping[str, Document]) -> None:
        from flext_observability.pipeline.shared_page.merged_metrics import MAX_FOLDED_SERIES, MergedMetrics

        reading, merged = Reading(), MergedMetrics(MAX_FOLDED_SERIES)
        totals = reading.load(self.path / _TOTALS) or {"folded": [], "roots": [], "resources": []}
        merged.add(totals, running=False, ended=True)
        # A process may have ended after the totals were written, before the files were removed.
        folded = [name for name in totals["folded"] if name in self.names()]
        roots = {tuple(each) for each in totals["roots"]}
        names = [name for name in ended if not self.is_running(name)]
        for name in [*names, *own]:
            document = own.get(name) or reading.load(self.file(name, SNAPSHOT))
            if name not in folded and document is not None:
                merged.add(document, running=False, ended=bool(document.get("ended")))
                roots.add(tuple(document["root"]))
                folded.append(name)
        content = {"folded": folded, "roots": sorted(roots), "resources": merged.to_resources()}
        self.write(self.path / _TOTALS, to_bytes(content))
        for name in names:
            self.remove(name)

    def _remove_ended_program(self) -> None:
        """Remove the files of a program that has ended: neither one of its processes nor their parent is running.

        Processes that start at the same moment decide one after another. Without a turn, another one removes the files.
        """
        if not self.is_used() or not self._fold_lock.acquire():
            return
        try:
            reading = self._read_once("")
            documents = [*reading.ended.values(), *([reading.totals] if reading.totals else [])]
            roots = [ProcessIdentity(*each) for document in documents for each in _roots(document)]
            if not reading.running and not any(map(is_running, roots)):
                (self.path / _TOTALS).unlink(missing_ok=True)
                for name in reading.ended:
                    self.remove(name)
        finally:
            self._fold_lock.release()


def _roots(document: Document) -> list[tuple[int, int]]:
    return [*document.get("roots", ()), *([document["root"]] if "root" in document else ())]


def _make_private(path: Path) -> None:
    """Create a directory for this user alone, or check that it is one.

    Raises:
        PermissionError: It belongs to another user, or others have access.
    """
    with suppress(FileExistsError):
        path.mkdir(mode=_PRIVATE)
    found = path.lstat()
    if not S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise PermissionError(f"{path} is not a directory of this user alone")


def _remove_ended_programs(own: Path) -> None:
    for path in _run_directories(own.parent):
        found = _RUN_NAME.fullmatch(path.name)
        if found is None or path == own or is_running(ProcessIdentity(int(found[1]), int(found[2]))):
            continue
        ProcessDirectory(path, is_automatic=True).remove_if_unused()


def _run_directories(path: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from path.iterdir()
