"""``SharedPage``: the metrics of all processes of a program, from any of them."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, final

from flext_observability.domain.report import Notice
from flext_observability.runtime.daemon import DaemonThread
from flext_observability.runtime.fork import register_holder
from flext_observability.runtime.internal_log import warn_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.process_family import is_running
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

    from flext_observability.pipeline.shared_page.merged_metrics import MergedMetrics
    from flext_observability.pipeline.shared_page.process_directory import ProcessDirectory, Reading
    from flext_observability.pipeline.shared_page.process_files import ProcessFiles
    from flext_observability.runtime.process_family import ProcessIdentity
    from flext_observability.runtime.process_lock import ProcessLock
    from flext_observability.wire.metric_snapshot.encode import Plain, SnapshotEncoder

INTERVAL_SECONDS: Final = 1.0
FOLD_SECONDS: Final = 0.5
_TURN_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.01
_FIX: Final = "Set metrics_directory to a directory that this user can write, or to none"
_IGNORED_FIX: Final = "Remove the file"
_LATE_FIX: Final = "End it if it hangs"
_logger: Final = logging.getLogger("flext_observability")


class Collect(Protocol):
    """Returns all cumulative points of this process."""

    def __call__(self, *, repeat: bool = False) -> MetricsData:
        """Return the points, with new observations or those of the last collection."""
        ...


@final
class SharedPage:
    """Metrics of this process, and of the processes that share its directory while it is active.

    Each process writes a snapshot every second while its metrics change, at its end, and when another one asks for it.
    Thread-safe.

    Attributes:
        root: The process that started the program.
        setting: The setting of the directory; empty for an automatic one.
        wanted: Whether this process may be asked for the page; it becomes active when it forks.
    """

    def __init__(
        self,
        collect: Collect,
        locate: Callable[[], ProcessDirectory],
        root: ProcessIdentity,
        gauge_mode: Callable[[str], str],
        setting: str,
    ) -> None:
        """Create an inactive page.

        Args:
            collect: Returns all cumulative points of this process; see ``SharedMetricReader.collect``.
            locate: Returns the directory. Called on first use, as most programs have one process.
            root: See the attributes.
            gauge_mode: Returns the mode of a gauge by its name.
            setting: See the attributes.
        """
        self.root = root
        self.setting = setting
        self.wanted = False
        self.gauge_mode = gauge_mode
        self._collect = collect
        self._locate = locate
        self._directory: ProcessDirectory | None = None
        self._encoder: SnapshotEncoder | None = None
        self._files: ProcessFiles | None = None
        self._lock = ForkSafeLock()
        self._thread = DaemonThread("flext-snapshot", self._run, what="the thread for shared metrics")
        self._users = 0
        self._pid = os.getpid()
        self._start_ns = time.time_ns()
        self._problem = ""
        self._ignored: dict[str, str] = {}
        self._late: dict[str, int] = {}
        register_holder(self)

    @property
    def directory(self) -> ProcessDirectory:
        """The directory of the processes."""
        if self._directory is None:
            self._directory = self._locate()
        return self._directory

    @property
    def is_active(self) -> bool:
        """Whether this process shares its metrics."""
        return self._files is not None

    def hold_for_fork(self) -> None:
        """Do nothing: a child uses no object of this page."""

    def release_after_fork(self) -> None:
        """Become active in a parent: the child shares its metrics."""
        if self.wanted and self._users and self._files is None and os.getpid() == self._pid:
            self.activate()

    def retain(self) -> None:
        """Add a configuration that uses the page."""
        self._users += 1

    def release(self) -> None:
        """Remove a configuration. The last one ends the page: its totals are kept for the other processes."""
        self._users -= 1
        if self._users == 0:
            self._end()

    def activate(self) -> None:
        """Share the metrics of this process. Idempotent, never raises."""
        with self._lock:
            if self._files is not None:
                return
            from flext_observability.pipeline.shared_page.process_files import ProcessFiles
            from flext_observability.wire.metric_snapshot.encode import SnapshotEncoder

            self.directory.load_modules()
            try:
                self._encoder = SnapshotEncoder(self._mode, self._start_ns)
                self.directory.create()
                self._files = ProcessFiles(self.directory, self.root)
                self._problem = ""
            except OSError as error:
                self._report(error)
                return
            self._thread.start()
        self._thread.report()

    def port_lock(self, port: int) -> ProcessLock | None:
        """Return the lock of the process that serves the page on a port; None for a free port, and while inactive."""
        if not self.is_active or not port:
            return None
        from flext_observability.runtime.process_lock import ProcessLock

        return ProcessLock(self.directory.path / f"flext-port-{port}.lock")

    def announce(self) -> None:
        """Create the directory, by which children without a page know that this process has one."""
        if not self.is_active:
            try:
                self.directory.create()
            except OSError as error:
                self._report(error)

    def collect(self) -> MetricsData:
        """Return the points of all processes; those of this process if it is alone, or the directory is unusable."""
        if self._files is None and self.wanted and self.directory.is_used():
            self.activate()
        files = self._files
        if files is None:
            return self._collect()
        from flext_observability.pipeline.shared_page.snapshot_request import SnapshotRequest

        others = [name for name in self.directory.names() if name != files.name]
        request = SnapshotRequest(self.directory, [name for name in others if self.directory.is_running(name)])
        own = self._snapshot()
        files = self._files or files  # others, if they were removed
        self._late = request.wait(self._late)
        reading = self.directory.read(files.name)
        self._ignored = reading.ignored
        merged = self._merge(reading)
        merged.add(files.document(own), running=True)
        data = merged.to_metrics_data(time.time_ns())
        self._fold(reading)
        return data

    def write(self) -> None:
        """Write a snapshot now. Never raises."""
        if self._files is not None:
            self._snapshot_or_report(repeat=False)

    def abandon(self) -> None:
        """Close the files of the parent in a forked child."""
        files, self._files = self._files, None
        self._users = 0
        if files is not None:
            files.close()

    def to_dict(self) -> dict[str, object]:
        """Return the directory, and the numbers of the processes that share it; empty while inactive."""
        files = self._files
        if files is None:
            return {}
        names = [name for name in self.directory.names() if name == files.name or self.directory.is_running(name)]
        return {"directory": str(self.directory.path), "processes": sorted(int(name.split("-")[1]) for name in names)}

    def notices(self) -> tuple[Notice, ...]:
        """Return what is wrong with the directory."""
        found = [(self._problem, _FIX)] if self._problem else []
        ignored = "{} in {} is ignored: {}"
        found += [(ignored.format(name, self.directory.path, why), _IGNORED_FIX) for name, why in self._ignored.items()]
        late = "The process {} does not answer: its last snapshot is used"
        found += [(late.format(name), _LATE_FIX) for name in sorted(self._late)]
        return tuple(Notice("metrics", message, fix) for message, fix in found)

    def _mode(self, name: str) -> str:
        return self.gauge_mode(name)  # which a second start may replace

    def _run(self) -> None:
        while (files := self._files) is not None and os.getpid() == self._pid:
            requested = files.wait(INTERVAL_SECONDS)
            if self._files is files:
                self._snapshot_or_report(repeat=not requested)

    def _snapshot_or_report(self, *, repeat: bool) -> None:
        try:
            self._snapshot(repeat=repeat)
        except BaseException as error:  # noqa: BLE001 - callbacks and readers of any kind; the next one may succeed
            reraise_interrupt(error)

    def _snapshot(self, *, repeat: bool = False) -> Plain:
        """Collect, write, and return the points of this process.

        Args:
            repeat: Whether to repeat the last observations of observable instruments: no other process waits for them.
        """
        from flext_observability.pipeline.shared_metric_reader import CollectionTimeout

        if not self._lock.acquire(_TURN_SECONDS):
            raise CollectionTimeout("another collection has not ended")
        try:
            began_ns = time.monotonic_ns()
            data, files, encoder = self._collect(repeat=repeat), self._files, self._encoder
            resources: Plain = [] if encoder is None else encoder.resources(data)
            if files is not None:
                try:
                    files = self._restore(files)
                    files.write(resources)
                    self._problem = ""
                except OSError as error:
                    self._report(error)
                if not repeat:
                    files.stamp(began_ns)
            return resources
        finally:
            self._lock.release()

    def _restore(self, files: ProcessFiles) -> ProcessFiles:
        """Return the files of this process: new ones if another program removed them, and not the end of the page.

        Raises:
            OSError: They cannot be created.
        """
        if files is not self._files or files.are_visible():
            return files
        from flext_observability.pipeline.shared_page.process_files import ProcessFiles

        self.directory.create()
        self._files = ProcessFiles(self.directory, self.root)
        files.close()
        self.directory.remove(files.name)
        return self._files

    def _end(self) -> None:
        files = self._files
        if files is None:
            if self.root.pid == self._pid and self._directory is not None:
                self._directory.remove_if_unused()
            return
        resources: Plain | None = None
        try:
            resources = self._snapshot()
        except BaseException as error:  # noqa: BLE001 - a callback that hangs, for example: the last snapshot counts
            reraise_interrupt(error)
        files, self._files = self._files or files, None
        files.wake()
        with suppress(OSError):
            if resources is not None:
                files.write(resources, ended=True)
                if self._fold_own(files, resources):
                    self.directory.remove(files.name)
        files.close()
        if self.root.pid == self._pid or not is_running(self.root):
            self.directory.remove_if_unused()

    def _fold_own(self, files: ProcessFiles, resources: Plain) -> bool:
        deadline = time.monotonic() + FOLD_SECONDS
        own = {files.name: files.document(resources, ended=True)}
        while not self.directory.fold((), own):
            if time.monotonic() > deadline:
                return False
            time.sleep(_RETRY_SECONDS)
        return True

    def _fold(self, reading: Reading) -> None:
        """Add up ended processes, if no other process does."""
        try:
            if reading.ended:
                self.directory.fold(list(reading.ended))
        except OSError as error:
            self._report(error)

    def _merge(self, reading: Reading) -> MergedMetrics:
        from flext_observability.pipeline.shared_page.merged_metrics import MergedMetrics

        merged = MergedMetrics()
        documents = [(document, False, bool(document.get("ended"))) for document in reading.ended.values()]
        documents += [(document, True, False) for document in reading.running.values()]
        if reading.totals is not None:
            documents.append((reading.totals, False, True))
        for document, running, ended in documents:
            merged.add(document, running=running, ended=ended)
        return merged

    def _report(self, error: OSError) -> None:
        self._problem = f"Metrics of other processes are not on the page: {describe_error(error)}"
        warn_once(_logger, f"{self._problem}. {_FIX}.")
