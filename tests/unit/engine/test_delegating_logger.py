"""Stable loggers: handed out once, they follow every swap."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry._logs import LogRecord, NoOpLoggerProvider, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from flext_observability.engine.delegating_logger import DelegatingLoggerProvider


class Sdk:
    """An SDK provider and the records that it emitted."""

    def __init__(self) -> None:
        make: Any = InMemoryLogRecordExporter  # its constructor is untyped
        self._exporter: InMemoryLogRecordExporter = make()
        self.provider = LoggerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self._exporter))

    @property
    def bodies(self) -> list[object]:
        return [each.log_record.body for each in self._exporter.get_finished_logs()]


def test_before_any_provider_records_go_nowhere() -> None:
    logger = DelegatingLoggerProvider().get_logger("l")
    logger.emit(LogRecord(body="x"))
    assert isinstance(logger.enabled(severity_number=SeverityNumber.INFO), bool)


def test_a_logger_taken_early_emits_later_and_moves_on() -> None:
    stable, first, second = DelegatingLoggerProvider(), Sdk(), Sdk()
    logger = stable.get_logger("l", "1.0", "https://schema", {"a": 1})
    stable.set_delegate(first.provider)
    logger.emit(LogRecord(body="one"))
    stable.set_delegate(second.provider)
    logger.emit(body="two")
    assert (first.bodies, second.bodies) == (["one"], ["two"])


def test_silence_keeps_nothing() -> None:
    stable, sdk = DelegatingLoggerProvider(), Sdk()
    stable.set_delegate(sdk.provider)
    stable.set_delegate(NoOpLoggerProvider())
    stable.get_logger("l").emit(LogRecord(body="x"))
    assert sdk.bodies == []


def test_a_provider_that_cannot_tell_keeps_all() -> None:
    class Untold:
        def get_logger(self, *scope: object) -> object:
            return object()

    stable = DelegatingLoggerProvider()
    stable.set_delegate(Untold())  # type: ignore[arg-type]  # an older SDK's logger, reduced to what it lacks
    assert stable.get_logger("l").enabled()


def test_a_provider_that_can_tell_is_asked() -> None:
    class Told:
        def get_logger(self, *scope: object) -> object:
            return self

        def enabled(self, **options: object) -> bool:
            return options["severity_number"] is SeverityNumber.ERROR

    stable = DelegatingLoggerProvider()
    stable.set_delegate(Told())  # type: ignore[arg-type]  # a newer SDK's logger, reduced to what is asked
    logger = stable.get_logger("l")
    assert logger.enabled(severity_number=SeverityNumber.ERROR)
    assert not logger.enabled(severity_number=SeverityNumber.INFO)


def test_what_sdk_providers_offer_beyond_the_api_is_answered() -> None:
    stable, sdk = DelegatingLoggerProvider(), Sdk()
    stable.set_delegate(sdk.provider)
    assert stable.resource.attributes["service.name"] == "shop"  # type: ignore[attr-defined]  # answered at run time
    with pytest.raises(AttributeError):
        _ = stable._nothing
