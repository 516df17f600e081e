"""Delegating loggers: they follow each new delegate."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry._logs import Logger, LogRecord, NoOpLoggerProvider, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from flext_observability.engine.delegating_logger import DelegatingLoggerProvider
from flext_observability.engine.unusable import unusable_parts


class Sdk:
    """An SDK provider and its emitted records."""

    def __init__(self) -> None:
        exporter_type: Any = InMemoryLogRecordExporter  # the constructor is untyped
        self._exporter: InMemoryLogRecordExporter = exporter_type()
        self.provider = LoggerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self._exporter))

    @property
    def bodies(self) -> list[object]:
        return [each.log_record.body for each in self._exporter.get_finished_logs()]


def test_records_are_dropped_without_a_delegate() -> None:
    logger = DelegatingLoggerProvider().get_logger("l")
    logger.emit(LogRecord(body="x"))
    assert isinstance(logger.enabled(severity_number=SeverityNumber.INFO), bool)


def test_an_early_logger_follows_the_delegate() -> None:
    provider, first, second = DelegatingLoggerProvider(), Sdk(), Sdk()
    logger = provider.get_logger("l", "1.0", "https://schema", {"a": 1})
    provider.set_delegate(first.provider)
    logger.emit(LogRecord(body="one"))
    provider.set_delegate(second.provider)
    logger.emit(body="two")
    assert (first.bodies, second.bodies) == (["one"], ["two"])


def test_attributes_of_the_delegate_are_found_without_private_ones() -> None:
    provider, sdk = DelegatingLoggerProvider(), Sdk()
    logger: Any = provider.get_logger("l")
    provider.set_delegate(sdk.provider)
    assert logger.resource.attributes["service.name"] == "shop"
    with pytest.raises(AttributeError, match="_unknown"):
        logger._unknown  # noqa: B018


def test_a_no_op_delegate_drops_records() -> None:
    provider, sdk = DelegatingLoggerProvider(), Sdk()
    provider.set_delegate(sdk.provider)
    provider.set_delegate(NoOpLoggerProvider())
    provider.get_logger("l").emit(LogRecord(body="x"))
    assert sdk.bodies == []


def test_a_delegate_without_enabled_processes_all_records() -> None:
    class OldLogger:
        def get_logger(self, *scope: object) -> object:
            return self

        def emit(self, *args: object) -> None:
            """Do nothing."""

    provider = DelegatingLoggerProvider()
    provider.set_delegate(OldLogger())  # type: ignore[arg-type]  # an old SDK's logger
    assert provider.get_logger("l").enabled()


def test_enabled_is_forwarded() -> None:
    class NewLogger:
        def get_logger(self, *scope: object) -> object:
            return self

        def emit(self, *args: object) -> None:
            """Do nothing."""

        def enabled(self, **options: object) -> bool:
            return options["severity_number"] is SeverityNumber.ERROR

    provider = DelegatingLoggerProvider()
    provider.set_delegate(NewLogger())  # type: ignore[arg-type]  # a new SDK's logger
    logger = provider.get_logger("l")
    assert logger.enabled(severity_number=SeverityNumber.ERROR)
    assert not logger.enabled(severity_number=SeverityNumber.INFO)


def test_other_attributes_come_from_the_delegate() -> None:
    provider, sdk = DelegatingLoggerProvider(), Sdk()
    provider.set_delegate(sdk.provider)
    assert provider.resource.attributes["service.name"] == "shop"  # type: ignore[attr-defined]  # dynamic attribute
    with pytest.raises(AttributeError):
        _ = provider._nothing


def test_a_logger_that_the_provider_rejects_costs_no_other() -> None:
    sdk = Sdk()

    class Choosy(LoggerProvider):
        """A provider that has no logger of one name."""

        def get_logger(self, name: str, *scope: Any, **options: Any) -> Logger:
            if name == "bad":
                raise SystemExit
            return sdk.provider.get_logger(name, *scope, **options)

    provider = DelegatingLoggerProvider()
    loggers = [provider.get_logger(name) for name in ("bad", "good")]
    provider.set_delegate(Choosy(shutdown_on_exit=False))
    for logger in (*loggers, provider.get_logger("bad")):
        logger.emit(LogRecord(body="x"))
    assert sdk.bodies == ["x"]
    assert [notice.signal for notice in unusable_parts().notices()] == ["logs"]
    provider.set_delegate(sdk.provider)
    assert unusable_parts().notices() == ()
