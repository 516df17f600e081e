"""Batch of finished items → one line of OTLP/JSON, appended to a file.

Source: https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.report import Signal
from flext_observability.exporters.factory import BuiltInFactory
from flext_observability.exporters.otlp.batch_exporter import BatchExporter
from flext_observability.extensions.ports import ExporterUnavailable, ExportOutcome

if TYPE_CHECKING:
    from flext_observability.settings.config import FlextObservabilityConfig

_FIX = "Free space, correct the permissions, or set otlp_file_path (FLEXT_OBSERVABILITY_OTLP_FILE_PATH) to another file"


@final
class OtlpFileExporter(BatchExporter):
    """Appends batches to a file, which is opened for each batch, so that it may be rotated or deleted.

    Several signals and processes may share the file: each line is written by one call.
    """

    __slots__ = ("_path", "_torn")

    def __init__(self, signal: Signal, path: Path) -> None:
        """Store the path; its folder must exist."""
        super().__init__(signal)
        self._path = path
        self._torn = False

    def close(self) -> None:
        """Do nothing: no file is left open."""

    def _encode(self, batch: Sequence[object]) -> bytes:
        from flext_observability.wire.otlp.encode import request_message
        from flext_observability.wire.otlp.json import to_otlp_json

        # Export requests have the fields of TracesData, MetricsData and LogsData, the messages of the file format.
        return to_otlp_json(request_message(self._signal, batch)).encode() + b"\n"

    def _send(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        try:
            self._append(body)
        except OSError as error:
            message = f"{self._path} cannot be written ({error.strerror})"
            return ExportOutcome(retry=True, reason="unavailable", message=message, fix=_FIX)
        return ExportOutcome(accepted=items)

    def _append(self, line: bytes) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            # After a partial write, the new batch starts on a line of its own.
            view = memoryview(b"\n" + line if self._torn else line)
            while view:
                written = os.write(descriptor, view)
                self._torn = written < len(view)
                view = view[written:]
        finally:
            os.close(descriptor)


def create_exporter(signal: Signal, config: FlextObservabilityConfig) -> OtlpFileExporter:
    """Return an exporter to ``otlp_file_path``; a missing folder is created.

    Raises:
        ExporterUnavailable: No path is set, or the file cannot be opened for writing.
    """
    path = Path(config.otlp_file_path).expanduser()
    if not config.otlp_file_path:
        fix = "Set otlp_file_path (FLEXT_OBSERVABILITY_OTLP_FILE_PATH), for example telemetry.jsonl"
        raise ExporterUnavailable("no file is set", fix)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise ExporterUnavailable(f"{path} cannot be written ({error.strerror})", _FIX) from error
    return OtlpFileExporter(signal, path)


factory: Final = BuiltInFactory(create_exporter)
