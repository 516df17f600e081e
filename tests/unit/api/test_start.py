"""Start and status: results instead of exceptions for any input."""

from __future__ import annotations

import logging
import threading
import urllib.request
from inspect import Parameter, signature
from typing import Any

import pytest
from opentelemetry import _logs, metrics, trace

from flext_observability import (
    FlextObservabilityConfig,
    flush_observability,
    get_observability,
    init_observability,
    register_exporter,
    shutdown_observability,
)
from flext_observability.settings.arguments import InitArguments
from tests.fakes import OneExporterFactory, ScriptedExporter
from tests.programs import run


def test_one_span_one_measurement_and_one_record_arrive(store: Any) -> None:
    handle = init_observability(service_name="shop", exporters="memory", console=False).unwrap()
    with trace.get_tracer("t").start_as_current_span("sell"):
        logging.getLogger("shop").warning("sold %s", "tea")
    metrics.get_meter("t").create_counter("sold").add(2)
    report = handle.flush().unwrap()
    assert report.complete
    assert [span.name for span in store.spans] == ["sell"]
    assert [each.log_record.body for each in store.logs] == ["sold tea"]
    assert store.logs[0].log_record.trace_id == store.spans[0].context.trace_id
    assert store.metric("sold").data.data_points[0].value == 2
    assert (report.exported, report.queued, report.dropped) == (3, 0, {})


def test_tracers_meters_and_loggers_made_before_the_start_record_after_it(store: Any) -> None:
    tracer, meter = trace.get_tracer("early"), metrics.get_meter("early")
    logger, counter = _logs.get_logger("early"), meter.create_counter("early.count")
    handle = init_observability(exporters="memory", console=False).unwrap()
    tracer.start_span("one").end()
    counter.add(1)
    logger.emit(_logs.LogRecord(body="hello"))
    handle.flush()
    assert [span.name for span in store.spans] == ["one"]
    assert store.metric("early.count").data.data_points[0].value == 1
    assert store.logs[0].log_record.body == "hello"


def test_a_config_object_and_keywords_go_together() -> None:
    config = FlextObservabilityConfig(service_name="from-config", exporters={"traces": [], "metrics": [], "logs": []})
    handle = init_observability(config, environment="staging").unwrap()
    assert (handle.config.service_name, handle.config.environment) == ("from-config", "staging")


@pytest.mark.parametrize(
    "arguments",
    [
        {"sample_ratio": 7},
        {"unknown_word": 1},
        {"prometheus_port": "many"},
        {"exporters": 3},
        {"service_name": object()},
    ],
)
def test_an_invalid_argument_fails_and_changes_nothing(arguments: dict[str, Any], store: Any) -> None:
    init_observability(exporters="memory", console=False)
    result = init_observability(**arguments)
    assert result.is_failure
    assert next(iter(arguments)) in (result.error or "")
    trace.get_tracer("t").start_span("still").end()
    flush_observability()
    assert [span.name for span in store.spans] == ["still"]


def test_an_unknown_exporter_fails_with_the_known_names() -> None:
    result = init_observability(exporters=["memory", "carrier_pigeon"])
    assert result.code == "unknown_exporter"
    assert "carrier_pigeon" in (result.error or "")
    assert "otlp_http" in (result.error or "")


def test_an_unknown_exporter_from_the_environment_degrades(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "carrier_pigeon")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    status = init_observability(console=False).unwrap().status()
    assert status["traces"].state == "degraded"
    assert "carrier_pigeon" in status["traces"].reason
    assert status["logs"].state == "off"


def test_an_unknown_name_from_the_environment_fails_no_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "carrier_pigeon")
    result = init_observability(exporters={"traces": "memory", "metrics": "none"}, console=False)
    assert result.unwrap().status()["logs"].state == "degraded"


def test_our_own_loggers_get_the_internal_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_LOG_LEVEL", "error")
    loggers = [logging.getLogger(name) for name in ("opentelemetry", "flext_observability")]
    try:
        init_observability(exporters="memory", console=False)
        assert [logger.level for logger in loggers] == [logging.ERROR, logging.ERROR]
    finally:
        for logger in loggers:
            logger.setLevel(logging.NOTSET)


def test_a_line_on_the_console_tree_is_not_printed_twice() -> None:
    done = run(
        """
        import logging
        from flext_observability import init_observability
        init_observability(exporters="console")
        logging.getLogger("shop").warning("only once")
        logging.getLogger("flext_observability").warning("our own")
        """
    )
    assert (done.err.count("only once"), done.err.count("our own")) == (1, 1), done.err


def test_an_invalid_config_object_is_a_failure() -> None:
    assert init_observability({"service_name": "x"}).is_failure  # type: ignore[arg-type]  # bad input is what is tested


def test_before_the_start_and_after_the_shutdown_functions_fail() -> None:
    for result in (get_observability(), flush_observability(), shutdown_observability()):
        assert result.code == "not_started"
    init_observability(exporters="memory", console=False).unwrap().shutdown()
    for result in (get_observability(), flush_observability(), shutdown_observability()):
        assert result.code == "not_started"


def test_a_second_start_replaces_exporters_and_keeps_totals(store: Any) -> None:
    first = init_observability(service_name="shop", exporters="memory", console=False).unwrap()
    counter = metrics.get_meter("t").create_counter("kept")
    counter.add(3)
    other = ScriptedExporter()
    register_exporter("second", OneExporterFactory(lambda signal: other))
    second = init_observability(service_name="shop", exporters="second", console=False).unwrap()
    assert store.metric("kept").data.data_points[0].value == 3
    counter.add(4)
    trace.get_tracer("t").start_span("after").end()
    second.flush()
    assert [span.name for span in store.spans] == []
    spans = [item for batch in other.batches for item in batch if hasattr(item, "context")]
    assert [span.name for span in spans] == ["after"]
    totals = [
        metric.data.data_points[0].value
        for batch in other.batches
        for data in batch
        if hasattr(data, "resource_metrics")
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "kept"
    ]
    assert totals[-1] == 7
    assert first.shutdown().unwrap().complete
    assert get_observability().success


def test_another_resource_starts_totals_at_zero(store: Any) -> None:
    init_observability(service_name="shop", exporters="memory", console=False)
    counter = metrics.get_meter("t").create_counter("reset")
    counter.add(3)
    handle = init_observability(service_name="other", exporters="memory", console=False).unwrap()
    counter.add(4)
    handle.flush()
    assert store.metric("reset").data.data_points[0].value == 4


def test_delta_pushes_beside_a_cumulative_page(store: Any) -> None:
    handle = init_observability(
        FlextObservabilityConfig(metrics_temporality_preference="delta"),
        exporters=["memory", "prometheus"],
        prometheus_port=0,
        console=False,
    ).unwrap()
    counter = metrics.get_meter("t").create_counter("delta.count")
    for value in (3, 4):
        counter.add(value)
        handle.flush()
    assert store.metric("delta.count").data.data_points[0].value == 4
    with urllib.request.urlopen(f"{handle.ops_address}/metrics", timeout=5) as page:
        assert 'delta_count_total{otel_scope_name="t"} 7.0' in page.read().decode()


def test_disabled_signals_record_nothing_and_are_off(store: Any) -> None:
    handle = init_observability(
        exporters="memory", console=False, traces_enabled=False, metrics_enabled=False, logs_enabled=False
    ).unwrap()
    trace.get_tracer("t").start_span("x").end()
    logging.getLogger("shop").warning("x")
    handle.flush()
    assert ([span.name for span in store.spans], store.logs) == ([], ())
    for signal, status in handle.status().items():
        assert (status.state, status.reason) == ("off", "Disabled by the settings")
        assert signal in status.fix


def test_disabled_means_no_thread_and_no_record(store: Any) -> None:
    shutdown_observability(0)
    before = {thread.name for thread in threading.enumerate()}
    handle = init_observability(exporters="memory", console=False, disabled=True, instrument=["httpx"]).unwrap()
    trace.get_tracer("t").start_span("x").end()
    assert {status.state for status in handle.status().values()} == {"off"}
    assert {thread.name for thread in threading.enumerate()} <= before
    assert [span.name for span in store.spans] == []


def test_a_signal_that_no_exporter_carries_is_off_with_the_reason() -> None:
    status = init_observability(exporters="prometheus", prometheus_port=0, console=False).unwrap().status()
    assert status["metrics"].state == "active"
    assert status["traces"].state == "off"
    assert status["traces"].reason == "No configured exporter supports traces"


def test_the_handle_reads_as_its_service_and_states() -> None:
    handle = init_observability(service_name="shop", exporters={"traces": "memory", "logs": []}, console=False).unwrap()
    text = repr(handle)
    assert text == "<Observability shop: traces active, metrics active, logs off>"
    assert handle.status()["logs"].reason == "No exporter is configured for logs"


def test_the_services_are_the_same_through_every_handle() -> None:
    first = init_observability(exporters="memory", console=False).unwrap()
    second = init_observability(exporters="memory", console=False).unwrap()
    for name in ("tracing", "metrics", "logs", "alerts", "health"):
        assert getattr(first, name) is getattr(second, name)


def test_start_in_a_thread_serves_the_whole_process(store: Any) -> None:
    thread = threading.Thread(target=lambda: init_observability(exporters="memory", console=False))
    thread.start()
    thread.join(10)
    trace.get_tracer("t").start_span("x").end()
    assert flush_observability().unwrap().complete
    assert [span.name for span in store.spans] == ["x"]


def test_starts_from_many_threads_end_with_one_session() -> None:
    threads = [threading.Thread(target=lambda: init_observability(exporters="memory", console=False)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert shutdown_observability().success
    assert shutdown_observability().code == "not_started"


def test_instrumentations_are_switched_on_and_off() -> None:
    handle = init_observability(exporters="memory", console=False, instrument=["httpx", "homemade"]).unwrap()
    notice = handle.status()["traces"].notices[-1]
    assert "homemade" in notice.message
    assert "pip install" in notice.fix


def test_an_error_during_the_start_is_a_failure() -> None:
    done = run("""
        import sys
        sys.modules["opentelemetry.sdk.trace"] = None  # an installation without the SDK
        from flext_observability import init_observability
        result = init_observability(exporters="none", console=False)
        print(result.code, result.fix, result.message, sep=": ")
    """)
    assert done.lines[0].startswith("internal: Report this, with the settings: Starting failed: ModuleNotFoundError")
    assert done.code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ({"serivce_name": "shop"}, "invalid_settings", ("serivce_name", "service_name")),
        ({"sample_ratio": 7}, "invalid_settings", ("sample_ratio", "0 to 1")),
        ({"exporters": "consol"}, "unknown_exporter", ("'consol'", "did you mean console?")),
        ({"exporters": "memory", "plugins": ["none_such"]}, "unknown_plugin", ("'none_such'", "register_plugin")),
        ({"exporters": "memory", "alert_notifiers": ["pagr"]}, "unknown_notifier", ("'pagr'", "register_notifier")),
    ],
)
def test_a_failed_start_is_logged_once_with_its_fix(
    arguments: dict[str, Any], code: str, words: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    result = init_observability(**arguments)
    assert result.code == code
    (record,) = caplog.records
    assert (record.levelname, record.name) == ("ERROR", "flext_observability")
    assert record.getMessage() == f"init_observability failed: {result.error}"
    assert all(word in record.getMessage() for word in words)


def test_an_internal_error_at_the_start_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise OSError("broken")

    monkeypatch.setattr("flext_observability.providers.bootstrap.start", broken)
    result = init_observability(exporters="memory", console=False)
    assert result.code == "internal"
    (record,) = caplog.records
    assert (record.levelname, "OSError: broken" in record.getMessage()) == ("ERROR", True)


def test_a_failed_start_is_written_to_standard_error_without_any_logging_configuration() -> None:
    done = run("from flext_observability import init_observability\ninit_observability(serivce_name='shop')")
    (line,) = done.err.splitlines()
    assert line.startswith("init_observability failed: ")
    assert "service_name" in line


def test_a_start_that_succeeds_logs_no_error(caplog: pytest.LogCaptureFixture) -> None:
    assert init_observability(exporters="memory", console=False).success
    assert caplog.records == []


def test_editors_see_the_keyword_arguments() -> None:
    shown = signature(init_observability)
    assert list(shown.parameters) == ["config", *InitArguments.__annotations__]
    assert shown.parameters["config"].kind is Parameter.POSITIONAL_ONLY
    assert shown.parameters["service_name"].kind is Parameter.KEYWORD_ONLY
    assert str(shown).startswith("(config: 'FlextObservabilityConfig | None' = None, /, *, service_name: ")
    assert str(shown).endswith(" -> 'FlextResult[Observability]'")
    assert shown.bind(service_name="shop").arguments == {"service_name": "shop"}
    with pytest.raises(TypeError):
        shown.bind(no_such_argument=1)
