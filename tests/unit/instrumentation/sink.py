"""Records that the logging bridge emitted, and a logger without output."""

from __future__ import annotations

import logging
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor


def new_exporter() -> InMemoryLogRecordExporter:
    return InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # OpenTelemetry has no annotation


class Sink:
    """A logger provider that keeps its records."""

    def __init__(self) -> None:
        self.exporter = new_exporter()
        self.provider = LoggerProvider(shutdown_on_exit=False)
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self.exporter))

    @property
    def records(self) -> tuple[ReadableLogRecord, ...]:
        return tuple(self.exporter.get_finished_logs())

    @property
    def bodies(self) -> list[object]:
        return [record.log_record.body for record in self.records]

    @property
    def attributes(self) -> dict[str, Any]:
        return dict(self.records[-1].log_record.attributes or {})

    @property
    def values(self) -> dict[str, Any]:
        """The attributes without those of the code location."""
        return {name: value for name, value in self.attributes.items() if not name.startswith("code.")}


def quiet(name: str) -> logging.Logger:
    """Return a logger without output."""
    logger = logging.getLogger(name)
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    return logger
