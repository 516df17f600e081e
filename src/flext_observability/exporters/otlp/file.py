"""Batch of finished items → one line of OTLP/JSON, appended to a file.

Source: https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/
"""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.report import Signal
from flext_observability.exporters.factory import BuiltInFactory
from flext_observability.exporters.otlp.batch_exporter import BatchExporter
from flext_observability.exporters.otlp.line_file import append_line, writes
from flext_observability.extensions.ports import ExporterUnavailable, ExportOutcome
from flext_observability.runtime.bounded_call import BoundedCall
from flext_observability.values.regular_file import open_regular
from flext_observability.values.shortage import DISK_FIX, is_shortage, shortage_fix

if TYPE_CHECKING:
    from flext_observability.settings.config import FlextObservabilityConfig

_FIX = "Free space, correct the permissions, or set otlp_file_path (FLEXT_OBSERVABILITY_OTLP_FILE_PATH) to another file"
_STREAMS: Final = ("/dev/stdout", "/dev/stderr", "/dev/null", "/dev/full", "/dev/fd/", "/proc/self/fd/")
"""Paths that may be pipes and devices."""
OPEN_SECONDS = 5.0
"""Limit of opening the file at the start: a file system of a network may not respond."""


@final
class OtlpFileExporter(BatchExporter):
    """Appends batches to a file, which is opened for each batch, so that it may be rotated or deleted.

    Several signals and processes may share the file: it is locked for each line, and a line that the disk has no space
    for is taken back. It is opened without waiting: a pipe that replaces it is reported, like a full disk.
    """

    __slots__ = ("_path",)

    def __init__(self, signal: Signal, path: Path) -> None:
        """Store the path; its folder must exist."""
        super().__init__(signal, "json")
        self._path = path

    def close(self) -> None:
        """Do nothing: no file is left open."""

    def _send(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        # Export requests have the fields of TracesData, MetricsData and LogsData, the messages of the file format.
        try:
            self._append(body + b"\n", time.monotonic() + timeout_seconds)
        except OSError as error:
            reason = "timeout" if isinstance(error, TimeoutError) else "unavailable"
            message = f"{self._path} cannot be written ({error.strerror})"
            fix = shortage_fix(error) if _lacks_descriptors(error) else _FIX
            return ExportOutcome(retry=True, reason=reason, message=message, fix=fix)
        return ExportOutcome(accepted=items)

    def _append(self, line: bytes, deadline: float) -> None:
        descriptor = _open(self._path)
        try:
            if S_ISREG(os.fstat(descriptor).st_mode):
                append_line(descriptor, line, deadline)
            else:
                for _ in writes(descriptor, line, deadline):
                    pass
        finally:
            os.close(descriptor)


def _open(path: Path) -> int:
    flags = os.O_APPEND | os.O_CREAT
    if str(path).startswith(_STREAMS):
        return open_regular(path, flags | os.O_WRONLY, accept_any=True)
    try:
        return open_regular(path, flags | os.O_RDWR)
    except PermissionError:
        return open_regular(path, flags | os.O_WRONLY)


def _probe(path: Path) -> OSError | None:
    """Create folder and file, and return why this is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(_open(path))
    except OSError as error:
        return error
    return None


def create_exporter(signal: Signal, config: FlextObservabilityConfig) -> OtlpFileExporter:
    """Return an exporter to ``otlp_file_path``; a missing folder is created.

    Raises:
        ExporterUnavailable: No path is set, or the file cannot be opened for writing: it is not a regular file, for
            instance, nor one of the standard streams.
    """
    path = Path(config.otlp_file_path).expanduser()
    if not config.otlp_file_path:
        fix = "Set otlp_file_path (FLEXT_OBSERVABILITY_OTLP_FILE_PATH), for example telemetry.jsonl"
        raise ExporterUnavailable("no file is set", fix)
    call = BoundedCall(f"opening {path}", partial(_probe, path))
    if not call.wait(time.monotonic() + OPEN_SECONDS):
        raise ExporterUnavailable(f"{path} cannot be opened (its file system does not respond)", _FIX)
    if call.value is not None and not _lacks_descriptors(call.value):  # without one, batches wait
        raise ExporterUnavailable(f"{path} cannot be written ({call.value.strerror})", _FIX)
    return OtlpFileExporter(signal, path)


def _lacks_descriptors(error: OSError) -> bool:
    return is_shortage(error) and shortage_fix(error) != DISK_FIX


factory: Final = BuiltInFactory(create_exporter)
