"""Unusual input of ``flext_create_*`` and the factory: a failure with a reason, or an exported entity. Never raises."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

import flext_observability as root
from flext_observability import FlextResult, get_global_factory, reset_global_factory
from flext_observability.values.encoding import MAX_BYTES
from tests.recorded import Recorded, recording

CYCLE: dict[str, Any] = {"inner": {}}
CYCLE["inner"]["outer"] = CYCLE
HUGE = "x" * 1_000_000
LONG = "x" * 1024  # maximum length of a name
KINDS = ("metric", "trace", "alert", "health_check", "log_entry")

# Kind, arguments, and start of the message.
INVALID: list[tuple[str, tuple[Any, ...], str]] = [
    *(("metric", (name, 1), "Invalid metric name") for name in ("", " ", HUGE, "1st", "a b", "a\n", "\ud800", "é")),
    *(("metric", (name, 1), "Invalid metric name") for name in (None, 5, b"orders", ["orders"], object())),
    *(("metric", ("bad.value", float(text)), "Invalid metric value") for text in ("nan", "inf", "-inf")),
    *(("metric", ("bad.value", Decimal(text)), "Invalid metric value") for text in ("NaN", "sNaN", "Infinity")),
    *(("metric", ("bad.value", value), "Invalid metric value") for value in (10**400, Decimal("1e400"))),
    *(("metric", ("bad.value", value), "Invalid metric value") for value in ("1", b"1", True, None, [1], 1j, CYCLE)),
    *(("metric", ("bad.value", value, "", None, "counter"), "Invalid metric value") for value in (-1, Decimal(-1))),
    ("metric", ("bad.value", -0.5, "s", None, "histogram"), "Invalid metric value"),
    *(("metric", ("bad.unit", 1, unit), "Invalid metric unit") for unit in ("x" * 64, "°C", "\ud800", None, 5)),
    *(
        ("metric", ("bad.tags", 1, "", tags), "Invalid metric tags")
        for tags in ([1], "a=1", {1: "a"}, {"a": [1]}, CYCLE)
    ),
    *(("metric", ("bad.type", 1, "", None, kind), "Invalid metric type") for kind in ("", "summary", "GAUGE", None, 5)),
    *(
        ("trace", (name, "shop"), "Invalid operation name")
        for name in ("", "  \n", HUGE, LONG + "x", None, 5, b"charge")
    ),
    *(("trace", ("charge", name), "Invalid service name") for name in ("", " ", HUGE, 5, b"shop")),
    *(("trace", ("charge", "shop", context), "Invalid trace context") for context in ([1], "a", 5, {1: 2})),
    *(("alert", (name, "info", "m"), "Invalid alert name") for name in ("", " ", HUGE, LONG + "x", None, 5)),
    *(("alert", ("a", severity, "m"), "Invalid alert severity") for severity in ("", "loud", "INFO", None, 5)),
    *(("alert", ("a", "info", message), "Invalid alert message") for message in ("", " ", None, b"full")),
    *(("alert", ("a", "info", "m", "", details), "Invalid alert details") for details in ([1], "a", {1: 2})),
    *(("health_check", (name,), "Invalid health check name") for name in ("", " ", HUGE, LONG + "x", None, 5)),
    *(("health_check", ("a", status), "Invalid health check status") for status in ("", "fine", None, True)),
    *(("log_entry", (level, "m"), "Invalid log level") for level in ("", "loud", None, 20)),
    *(("log_entry", ("info", message), "Invalid log message") for message in ("", " ", None, b"m")),
    *(("log_entry", ("info", "m", context), "Invalid log context") for context in ([1], "a", {1: 2})),
]
UNUSUAL: list[tuple[str, tuple[Any, ...]]] = [
    ("metric", ("bad.decimal", Decimal("1234567890.123456789012345678901234567890"))),
    ("metric", ("bad.tag", 1, "", {"object": object(), "none": None, "huge": HUGE, "": "", "\ud800": "\ud800"})),
    *(("trace", (name, "shop", CYCLE)) for name in (LONG, "\ud800")),
    *(("trace", ("charge", name)) for name in (LONG, "\ud800")),
    *(("alert", (text[:1024], "info", text, text, CYCLE)) for text in (HUGE, "\ud800", "a\x00b")),
    *(("health_check", (text[:1024], "degraded", text, CYCLE)) for text in (HUGE, "\ud800", "a\x00b")),
    *(("log_entry", ("InFo", message, CYCLE)) for message in (HUGE, "\ud800", "a\x00b")),
]


def create_function(kind: str) -> Callable[..., FlextResult[Any]]:
    create: Callable[..., FlextResult[Any]] = getattr(root, f"flext_create_{kind}")
    return create


def method(kind: str) -> Callable[..., FlextResult[Any]]:
    create: Callable[..., FlextResult[Any]] = getattr(get_global_factory(), f"create_{kind}")
    return create


def test_invalid_input_is_a_failure_and_emits_nothing(recorded: Recorded) -> None:
    for kind, arguments, start in INVALID:
        for create in (create_function(kind), method(kind)):
            result = create(*arguments)
            message = str(result.error)
            assert message[: len(start)] == start, (kind, str(arguments)[:80], message[:200])
            assert str(result.code).startswith("invalid_")
            assert len(message) < 400
    assert (recorded.spans(), recorded.logs(), recorded.metric("bad.value")) == ([], [], None)


def test_unusual_input_is_exported_within_the_size_limit() -> None:
    with recording() as recorded:
        for kind, arguments in UNUSUAL:
            assert method(kind)(*arguments).success, (kind, str(arguments)[:80])
            created = create_function(kind)(*arguments)
            assert created.success, (kind, str(arguments)[:80])
            if kind == "trace":
                recorded.handle.tracing.complete_trace(created.unwrap()).unwrap()
        count = {kind: sum(each == kind for each, _ in UNUSUAL) for kind in KINDS}
        spans, logs = recorded.spans(), recorded.logs()
        assert len(spans) == count["trace"]
        assert len(logs) == count["alert"] + count["health_check"] + count["log_entry"]
        assert list(recorded.values("bad.decimal").values()) == [float(UNUSUAL[0][1][1])]
        for item in (*spans, *logs):
            for name, value in (item.attributes or {}).items():
                assert len(str(value).encode()) <= MAX_BYTES, name
        inner = (spans[0].attributes or {})["inner"]
        assert isinstance(json.loads(str(inner)), dict)


def test_the_factory_can_be_reset_while_functions_use_it() -> None:
    ended = threading.Event()

    def reset() -> None:
        while not ended.is_set():
            reset_global_factory()

    def work(failures: list[str | None]) -> None:
        for _ in range(500):
            failures.extend(
                result.error
                for result in (
                    root.flext_create_metric("bad.reset", 1, metric_type="counter"),
                    root.flext_create_log_entry("info", "m"),
                )
                if result.is_failure
            )

    failures: list[str | None] = []
    with recording(logs_max_queue_size=10_000) as recorded:
        resetting = threading.Thread(target=reset)
        threads = [threading.Thread(target=work, args=(failures,)) for _ in range(4)]
        for thread in (resetting, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        ended.set()
        resetting.join()
        assert failures == []
        assert (recorded.values("bad.reset"), len(recorded.logs())) == ({(): 2000}, 2000)


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_of_an_emitted_entity_is_not_emitted_again(recorded: Recorded, kind: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {
        "metric": ("bad.copy", 1, "", None, "counter"),
        "trace": ("copy", "shop"),
        "alert": ("copy", "info", "m"),
        "health_check": ("copy of a check",),
        "log_entry": ("info", "m"),
    }
    handle = recorded.handle
    record: dict[str, Callable[[Any], FlextResult[Any]]] = {
        "metric": handle.metrics.record_metric,
        "trace": handle.tracing.start_trace,
        "alert": handle.alerts.process_alert,
        "health_check": handle.health.execute_health_check,
        "log_entry": handle.logs.log,
    }
    entity = create_function(kind)(*arguments[kind]).unwrap()
    before = (len(recorded.logs()), recorded.values("bad.copy"))
    for copy in (entity, entity.model_copy(), entity.model_copy(deep=True)):
        assert record[kind](copy).success
    assert (len(recorded.logs()), recorded.values("bad.copy")) == before
    if kind == "trace":
        handle.tracing.complete_trace(entity).unwrap()
        assert len(recorded.spans("copy")) == 1
