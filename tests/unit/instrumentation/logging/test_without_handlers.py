"""Records of loggers without a handler: the standard library does for them what it does without the bridge."""

from __future__ import annotations

import logging
import sys
from inspect import unwrap
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource

from flext_observability.engine.delegating_logger import DelegatingLoggerProvider
from flext_observability.engine.logger import EngineLoggerProvider
from flext_observability.instrumentation.logging import bridge as logging_bridge
from flext_observability.instrumentation.logging.formatter import CONTEXT_FIELD, TraceContextFormatter
from flext_observability.pipeline.export_processors import ExportLogRecordProcessor
from flext_observability.pipeline.ledger import SignalCounter

pytestmark = pytest.mark.usefixtures("restored_logging")


class Kept:
    """A worker that keeps its items."""

    attention = sys.maxsize

    def __init__(self) -> None:
        self.items: list[Any] = []

    def enqueue(self, item: object) -> None:
        self.items.append(item)

    @property
    def bodies(self) -> list[object]:
        return [item.log_record.body for item in self.items]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def provider(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> DelegatingLoggerProvider:
    monkeypatch.setattr(logging.Logger, "callHandlers", unwrap(logging.Logger.callHandlers))  # that of ``logging``
    delegating = DelegatingLoggerProvider()
    processor = ExportLogRecordProcessor(SignalCounter("logs"), [kept])  # type: ignore[list-item]  # a fake
    delegating.set_delegate(EngineLoggerProvider(Resource({}), (None, None), processor))
    return delegating


@pytest.fixture
def bare() -> logging.Logger:
    return logging.getLogger("shop.bare")


def install(provider: DelegatingLoggerProvider) -> None:
    logger = logging.getLogger("shop.bare")
    logger.propagate = False  # during the test: pytest has handlers on the root logger, and on others like this one
    logging_bridge.install("info", provider=provider)


def test_the_handler_of_last_resort_gets_warnings(
    provider: DelegatingLoggerProvider, kept: Kept, bare: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    install(provider)
    bare.info("one")
    bare.warning("two")
    assert kept.bodies == ["one", "two"]
    assert capsys.readouterr().err == "two\n"


def test_a_handler_of_last_resort_with_another_level_gets_its_records(
    provider: DelegatingLoggerProvider,
    bare: logging.Logger,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(logging, "lastResort", logging.StreamHandler(sys.stderr))
    install(provider)
    bare.info("one")
    assert capsys.readouterr().err == "one\n"


def test_without_a_handler_of_last_resort_the_standard_library_warns_once(
    provider: DelegatingLoggerProvider,
    kept: Kept,
    bare: logging.Logger,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(logging, "lastResort", None)
    monkeypatch.setattr(logging.root.manager, "emittedNoHandlerWarning", False)
    install(provider)
    bare.info("one")
    bare.info("two")
    assert kept.bodies == ["one", "two"]
    assert capsys.readouterr().err == 'No handlers could be found for logger "shop.bare"\n'


def test_the_method_of_another_library_gets_every_record(
    provider: DelegatingLoggerProvider, kept: Kept, bare: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    standard = logging.Logger.callHandlers

    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        called.append(record.getMessage())
        standard(self, record)

    monkeypatch.setattr(logging.Logger, "callHandlers", call_handlers)
    install(provider)
    bare.info("one")
    logging_bridge.uninstall()
    assert called == ["one"]
    assert kept.bodies == ["one"]


def test_a_handler_that_a_value_adds_gets_the_record(
    provider: DelegatingLoggerProvider, kept: Kept, bare: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    class Configuring:
        def __str__(self) -> str:
            bare.handlers = [logging.StreamHandler(sys.stderr)]
            return "value"

    install(provider)
    bare.info("sold %s", Configuring())
    assert kept.bodies == ["sold value"]
    assert capsys.readouterr().err == "sold value\n"


def test_the_record_has_the_ids_for_a_formatter_of_the_caller(
    provider: DelegatingLoggerProvider, bare: logging.Logger
) -> None:
    TraceContextFormatter()
    install(provider)
    record = bare.makeRecord("shop.bare", logging.INFO, "/shop.py", 1, "one", (), None)
    bare.handle(record)
    assert CONTEXT_FIELD in record.__dict__


def test_a_handler_of_a_parent_gets_the_record(
    provider: DelegatingLoggerProvider, bare: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    bare.addHandler(logging.StreamHandler(sys.stderr))
    install(provider)
    logging.getLogger("shop.bare.child").info("one")
    assert capsys.readouterr().err == "one\n"
