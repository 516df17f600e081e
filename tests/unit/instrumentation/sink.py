"""What reached OpenTelemetry, for the tests of the logging bridge; a logger that nobody hears."""

from __future__ import annotations

import logging
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor


def new_exporter() -> InMemoryLogRecordExporter:
    return InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # OpenTelemetry's own lack of a hint


class Sink:
    """What reached OpenTelemetry."""

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
        """What the program gave: the attributes without those of the place in the code."""
        return {name: value for name, value in self.attributes.items() if not name.startswith("code.")}


def quiet(name: str) -> logging.Logger:
    """Return a logger whose records reach no handler that complains."""
    logger = logging.getLogger(name)
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    return logger
