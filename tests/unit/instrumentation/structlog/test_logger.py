"""Records of structured loggers: levels, values, exceptions, location, bound values."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import subprocess
import threading
from typing import Any

import pytest
import structlog
from opentelemetry._logs import SeverityNumber

from flext_observability import FlextStructuredLogger, correlation_scope, get_logger, traced
from flext_observability.instrumentation.logging import bridge as logging_bridge
from tests.recorded import Recorded
from tests.unit.instrumentation.sink import Sink

pytestmark = pytest.mark.usefixtures("restored_logging")


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


# ---- one record ------------------------------------------------------------------------------------------------------


def test_event_and_values_become_body_and_attributes(sink: Sink, shop: FlextStructuredLogger) -> None:
    shop.info("paid", amount=3, sku="hat")
    (emitted,) = sink.records
    assert (emitted.log_record.body, sink.values) == ("paid", {"amount": 3, "sku": "hat"})
    assert (emitted.log_record.severity_text, emitted.log_record.severity_number) == ("INFO", SeverityNumber.INFO)
    assert emitted.instrumentation_scope is not None
    assert emitted.instrumentation_scope.name == "shop"


def test_ids_are_the_current_ones(recorded: Recorded) -> None:
    with correlation_scope("order-7"), traced("pay") as span:
        get_logger("shop").info("inside")
    get_logger("shop").info("outside")
    inside, outside = recorded.logs()
    context = span.get_span_context()
    assert (inside.trace_id, inside.span_id) == (context.trace_id, context.span_id)
    assert inside.attributes["flext.correlation_id"] == "order-7"
    assert (outside.trace_id, outside.span_id) == (0, 0)
    assert "flext.correlation_id" not in outside.attributes


@pytest.mark.parametrize(
    ("method", "text", "number"),
    [
        ("trace", "TRACE", SeverityNumber.TRACE),
        ("debug", "DEBUG", SeverityNumber.DEBUG),
        ("info", "INFO", SeverityNumber.INFO),
        ("warn", "WARNING", SeverityNumber.WARN),
        ("warning", "WARNING", SeverityNumber.WARN),
        ("error", "ERROR", SeverityNumber.ERROR),
        ("fatal", "CRITICAL", SeverityNumber.FATAL),
        ("critical", "CRITICAL", SeverityNumber.FATAL),
        ("exception", "ERROR", SeverityNumber.ERROR),
    ],
)
def test_method_and_async_method_of_each_level(method: str, text: str, number: SeverityNumber) -> None:
    emitted = Sink()
    logging_bridge.install("trace", provider=emitted.provider)
    log = get_logger("shop")

    async def main() -> None:
        getattr(log, method)("plain", a=1)
        await getattr(log, f"a{method}")("awaited", a=1)

    asyncio.run(main())
    found = [record.log_record for record in emitted.records if record.log_record.body in {"plain", "awaited"}]
    assert [record.body for record in found] == ["plain", "awaited"]
    assert {(record.severity_text, record.severity_number) for record in found} == {(text, number)}
    assert [(record.attributes or {})["code.function.name"] for record in found] == ["main", "main"]


@pytest.mark.parametrize(
    ("level", "text", "kept"),
    [
        (logging.ERROR, "ERROR", {}),
        ("Error", "ERROR", {}),
        ("fatal", "CRITICAL", {}),
        ("warn", "WARNING", {}),
        (35, "Level 35", {}),
        (10**30, f"Level {10**30}", {}),
        ("loud", "INFO", {"log.level": "loud"}),
        (None, "INFO", {"log.level": "null"}),
        (True, "INFO", {"log.level": "true"}),
        ("", "INFO", {"log.level": ""}),
    ],
)
def test_level_is_a_number_or_a_name(
    sink: Sink, shop: FlextStructuredLogger, level: Any, text: str, kept: dict[str, Any]
) -> None:
    shop.log(level, "x")
    asyncio.run(shop.alog(level, "x"))
    assert sink.bodies == ["x", "x"]
    assert [emitted.log_record.severity_text for emitted in sink.records] == [text, text]
    assert sink.values == kept


def test_level_named_by_the_program(sink: Sink, shop: FlextStructuredLogger) -> None:
    logging.addLevelName(25, "SHOP_NOTICE")
    shop.log("shop_notice", "x")
    assert sink.records[0].log_record.severity_text == "SHOP_NOTICE"


@pytest.mark.parametrize(
    ("event", "args", "body", "unused"),
    [
        ("only %d of %s left", (3, "hat"), "only 3 of hat left", {}),
        ("%(count)d left", ({"count": 3},), "3 left", {}),
        ("100 %", (), "100 %", {}),
        ("paid", (3,), "paid", {"positional_args": (3,)}),
        ("%d", ("x",), "%d", {"positional_args": ("x",)}),
        (
            "%s",
            (Unprintable(),),
            "%s",
            {"positional_args": ("<unprintable tests.unit.instrumentation.structlog.test_logger.Unprintable>",)},
        ),
        ("%s", ({},), "{}", {}),
        (None, (), "", {}),
        (5, (), "5", {}),
        (b"paid", (), "paid", {}),
        ({"a": 1}, (), '{"a":1}', {}),
        ("", (), "", {}),
    ],
)
def test_arguments_fill_placeholders(
    sink: Sink, shop: FlextStructuredLogger, event: Any, args: tuple[Any, ...], body: str, unused: dict[str, Any]
) -> None:
    shop.info(event, *args)
    assert (sink.bodies, sink.values) == ([body], unused)


def test_reserved_names_are_valid_names_of_values(
    sink: Sink, shop: FlextStructuredLogger, caplog: pytest.LogCaptureFixture
) -> None:
    values: dict[str, Any] = dict.fromkeys(
        ("event", "level", "name", "msg", "args", "message", "asctime", "exc_text", "self", "method_name", "two words"),
        "x",
    )
    shop.bind(**values).info("paid", **values)
    assert (sink.bodies, sink.values) == (["paid"], values)
    assert caplog.messages == [" ".join(("paid", *(f'"{name}"=x' if " " in name else f"{name}=x" for name in values)))]


def test_values_of_any_type_are_encoded(sink: Sink, shop: FlextStructuredLogger) -> None:
    cycle: dict[Any, Any] = {1: "a"}
    cycle["self"] = cycle
    shop.info("x", unprintable=Unprintable(), cycle=cycle, big="y" * 1_000_000, nothing=None, tags=["a"], lone="\ud800")
    found = sink.values
    assert len(found.pop("big").encode()) == 8192
    assert found == {
        "unprintable": "<unprintable tests.unit.instrumentation.structlog.test_logger.Unprintable>",
        "cycle": '{"1":"a","self":"…"}',
        "tags": ("a",),
        "lone": "\ufffd",
    }


# ---- keywords of logging ---------------------------------------------------------------------------------------------


def test_current_exception_is_emitted(sink: Sink, shop: FlextStructuredLogger) -> None:
    kept: list[ValueError] = []
    try:
        int("free")
    except ValueError as error:
        shop.exception("pay")
        shop.info("pay", exc_info=True)
        shop.info("pay", exc_info=(type(error), error, error.__traceback__))
        asyncio.run(shop.aexception("pay"))
        kept.append(error)
    shop.info("pay", exc_info=kept[0])
    assert len(sink.records) == 5
    for emitted in sink.records:
        attributes = emitted.log_record.attributes or {}
        assert (attributes["exception.type"], attributes["exception.message"]) == (
            "ValueError",
            "invalid literal for int() with base 10: 'free'",
        )
        assert 'int("free")' in str(attributes["exception.stacktrace"])


@pytest.mark.parametrize("given", [None, False, True, "text", (None, None, None), (), (1, 2)])
def test_exc_info_without_an_exception_adds_no_attributes(sink: Sink, shop: FlextStructuredLogger, given: Any) -> None:
    shop.exception("x", exc_info=given)
    assert (sink.bodies, sink.values) == (["x"], {})


def test_extra_is_merged(sink: Sink, shop: FlextStructuredLogger) -> None:
    shop.info("x", extra={"sku": "hat", "name": "n", 1: 2}, sku="cap")
    assert sink.values == {"sku": "cap", "name": "n", "1": 2}
    shop.info("x", extra="more")
    assert sink.values == {"extra": "more"}


def test_location_is_the_caller_or_a_frame_above(sink: Sink, shop: FlextStructuredLogger) -> None:
    def inner(**keywords: Any) -> None:
        shop.info("x", **keywords)

    for given in (1, "invalid", -5):
        inner(stacklevel=given)
        assert sink.attributes["code.function.name"] == "inner"
    inner(stacklevel=2)
    assert sink.attributes["code.function.name"] == "test_location_is_the_caller_or_a_frame_above"
    assert sink.attributes["code.file.path"] == __file__
    assert "code.stacktrace" not in sink.attributes
    inner(stack_info=True)
    assert "inner" in sink.attributes["code.stacktrace"]


# ---- bound values ----------------------------------------------------------------------------------------------------


def test_bound_values_are_emitted_and_loggers_are_immutable(sink: Sink) -> None:
    base = get_logger("shop", region="eu")
    bound = base.bind(user=7, region="us")
    for logger in (base, bound, bound.unbind("user", "unknown"), bound.try_unbind("region"), bound.new(a=1)):
        logger.info("x")
    found = [
        {name: value for name, value in (emitted.log_record.attributes or {}).items() if not name.startswith("code.")}
        for emitted in sink.records
    ]
    assert found == [{"region": "eu"}, {"user": 7, "region": "us"}, {"region": "us"}, {"user": 7}, {"a": 1}]
    assert bound.name == "shop"
    assert isinstance(bound, FlextStructuredLogger)


def test_values_of_the_context_have_the_lowest_precedence(sink: Sink) -> None:
    with structlog.contextvars.bound_contextvars(request="r-1", user="context", a="context"):
        get_logger("shop", user="bound", a="bound").info("x", a="call")
    assert sink.values == {"request": "r-1", "user": "bound", "a": "call"}
    get_logger("shop").info("x")
    assert sink.values == {}


def test_tasks_have_separate_values(sink: Sink, shop: FlextStructuredLogger) -> None:
    async def work(number: int) -> None:
        with structlog.contextvars.bound_contextvars(task=number):
            await asyncio.sleep(0)
            await shop.ainfo("x", number=number)

    async def main() -> None:
        await asyncio.gather(*(work(number) for number in range(5)))

    asyncio.run(main())
    found = [emitted.log_record.attributes or {} for emitted in sink.records]
    assert sorted((each["task"], each["number"]) for each in found) == [(number, number) for number in range(5)]


def test_handlers_of_an_async_method_run_in_another_thread(shop: FlextStructuredLogger) -> None:
    threads: list[threading.Thread] = []

    class Slow(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            threads.append(threading.current_thread())

    logging.getLogger("shop").addHandler(Slow())
    asyncio.run(shop.ainfo("x"))
    asyncio.run(shop.adebug("not enabled"))
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()


def test_copies_and_pickles_log_the_same(sink: Sink) -> None:
    log = get_logger("shop", user=7)
    for copied in (copy.copy(log), copy.deepcopy(log), pickle.loads(pickle.dumps(log))):  # noqa: S301 - our own
        copied.info("x")
        assert sink.values == {"user": 7}
    assert len(sink.records) == 3


def test_default_name_is_the_callers_module() -> None:
    assert get_logger().name == __name__
    assert get_logger(name="shop.pay").name == "shop.pay"
    nameless: dict[str, Any] = {"get_logger": get_logger}
    exec("found = get_logger()", nameless)  # noqa: S102 - a module without a name
    assert nameless["found"].name in {"root", "builtins"}
    assert get_logger(7).name == "7"  # type: ignore[arg-type]  # invalid on purpose


def test_global_configuration_of_structlog_is_neither_read_nor_changed(sink: Sink) -> None:
    before = structlog.get_config()
    try:
        structlog.configure(
            processors=[], wrapper_class=None, logger_factory=subprocess.Popen, cache_logger_on_first_use=True
        )
        configured = structlog.get_config()
        get_logger("shop").bind(a=1).info("x")
        assert structlog.get_config() == configured
    finally:
        structlog.configure(**before)
    assert sink.bodies == ["x"]
