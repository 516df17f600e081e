"""Contracts of platform, storage, logging, ops server, extensions and the classes of names."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

import flext_observability as root
from tests.fakes import OneExporterFactory, ScriptedExporter, unavailable
from tests.recorded import recording
from tests.unit.contracts.table import contract

METRIC = root.FlextMetric(name="contract.stored", value=1, tags={"a": "1"})


@contract("FlextObservabilityPlatformV2")
def the_platform_creates_emits_and_stores() -> None:
    with recording() as started, root.FlextObservabilityPlatformV2() as platform:
        assert platform.create_metric("contract.platform", 3).success
        assert started.values("contract.platform") == {(): 3}
        assert [each.value for each in platform.repository.find_metrics_by_name("contract.platform").unwrap()] == [3]


@contract("FlextObservabilityRepository")
def the_repository_stores_and_finds() -> None:
    repository = root.FlextObservabilityRepository()
    assert repository.store_metric(METRIC).data is METRIC
    assert repository.find_metrics_by_name("contract.stored").unwrap() == [METRIC]
    assert repository.query_metrics(root.MetricsCriteria(tags={"a": "2"})).unwrap() == []
    assert repository.clear().success
    assert repository.count().unwrap() == 0


@contract("MetricsCriteria")
def criteria_match_by_name_tags_and_time() -> None:
    now = METRIC.timestamp
    assert root.MetricsCriteria("contract.stored", {"a": "1"}, now, now + timedelta(seconds=1)).matches(METRIC)
    for other in ({"name": "x"}, {"tags": {"b": "1"}}, {"until": now}, {"since": datetime.max.replace(tzinfo=UTC)}):
        options: dict[str, Any] = dict(other)
        assert not root.MetricsCriteria(**options).matches(METRIC)
    assert root.MetricsCriteria(limit=1).select([METRIC, METRIC]) == [METRIC]


class ListStorage:
    """Storage in a list."""

    def __init__(self) -> None:
        self.entities: list[Any] = []

    def store(self, entity: object) -> root.FlextResult[None]:
        self.entities.append(entity)
        return root.FlextResult.ok(None)

    def query(self, kind: str, criteria: root.MetricsCriteria) -> root.FlextResult[list[Any]]:
        return root.FlextResult.ok(criteria.select(each for each in self.entities if each.kind == kind))


@contract("FlextStorageAdapter")
def a_repository_uses_a_custom_storage() -> None:
    storage: root.FlextStorageAdapter = ListStorage()
    repository = root.FlextObservabilityRepository(storage)
    repository.store_metric(METRIC).unwrap()
    assert repository.find_metrics_by_name("contract.stored").unwrap() == [METRIC]


@contract("register_storage")
def a_storage_is_registered_by_name() -> None:
    storage = ListStorage()
    assert root.register_storage("contract_list", storage).success
    root.FlextObservabilityRepository("contract_list").store_metric(METRIC).unwrap()
    assert storage.entities == [METRIC]
    assert root.register_storage("two words", storage).code == "invalid_storage"


@contract("InMemoryStorage")
def the_memory_storage_stores_and_finds() -> None:
    storage = root.InMemoryStorage()
    storage.store(METRIC).unwrap()
    assert storage.query("metric", root.MetricsCriteria()).unwrap() == [METRIC]
    assert storage.query("alert", root.MetricsCriteria()).unwrap() == []


@contract("SQLiteStorage")
def a_file_is_shared_by_two_storages() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "entities.sqlite3"
        for _ in range(2):
            storage = root.SQLiteStorage(path)
            storage.store(METRIC).unwrap()
            assert [each.id for each in storage.query("metric", root.MetricsCriteria()).unwrap()] == [METRIC.id]
            storage.close()


@contract("get_logger")
def a_structured_logger_writes_events_with_values() -> None:
    with recording() as started:
        root.get_logger("contract.logger", shop="a").bind(order=7).info("paid", amount=3)
        (record,) = started.logs()
        assert record.body == "paid"
        assert dict(record.attributes).items() >= {"shop": "a", "order": 7, "amount": 3}.items()


@contract("FlextStructuredLogger")
def a_structured_logger_is_immutable_and_sync_and_async() -> None:
    logger = root.get_logger("contract.structured")
    assert isinstance(logger, root.FlextStructuredLogger)
    bound = logger.bind(a=1)
    assert bound is not logger
    with recording() as started:
        bound.unbind("a").warning("sync")
        asyncio.run(bound.aerror("async"))
        assert {record.body: "a" in record.attributes for record in started.logs()} == {"sync": False, "async": True}


@contract("TraceContextFormatter")
def the_formatter_adds_ids_inside_a_span_only() -> None:
    formatter = root.TraceContextFormatter()
    record = logging.makeLogRecord({"msg": "hello", "levelname": "INFO"})
    with recording(), root.traced("writing") as span:
        trace_id = f"{span.get_span_context().trace_id:032x}"
        assert trace_id in formatter.format(logging.makeLogRecord({"msg": "hello"}))
    assert "trace_id" not in formatter.format(record)
    assert "0" * 32 not in formatter.format(record)


@contract("emit_log_record")
def a_processor_emits_events_and_returns_them_unchanged() -> None:
    with recording() as started:
        event = {"event": "paid", "amount": 3}
        assert dict(root.emit_log_record(None, "info", event)) == {"event": "paid", "amount": 3}
        assert [record.body for record in started.logs()] == ["paid"]


@contract("start_ops_server")
def the_ops_server_answers_on_loopback() -> None:
    with recording(), root.start_ops_server(port=0).unwrap() as server:
        assert server.address.startswith("http://127.0.0.1:")
        for page in ("/metrics", "/health", "/health/live", "/health/ready", "/health/startup", "/status"):
            with urllib.request.urlopen(server.address + page, timeout=10) as answer:
                assert answer.status == 200, page
    port: Any = "x"
    assert root.start_ops_server(port=port).code == "invalid_argument"


@contract("OpsServer")
def a_stopped_server_refuses_connections() -> None:
    server: root.OpsServer = root.start_ops_server(port=0).unwrap()
    assert server.port > 0
    server.stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(server.address, timeout=10)


@contract("ops_wsgi_app")
def the_pages_are_a_wsgi_app() -> None:
    answers: list[str] = []

    def start_response(status: str, headers: object, error: object = None, /) -> Callable[[bytes], object]:
        answers.append(status)
        return answers.append  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/health/live", "SCRIPT_NAME": ""}
    body = b"".join(root.ops_wsgi_app()(environ, start_response))
    assert answers[0].startswith("200")
    assert body


@contract("ops_asgi_app")
def the_pages_are_an_asgi_app() -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/health/live", "headers": [], "root_path": ""}
    app: Any = root.ops_asgi_app()
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 200


@contract("publish_to_prometheus_client")
def a_registry_of_prometheus_client_has_our_metrics() -> None:
    registry, labels = CollectorRegistry(), {"otel_scope_name": "flext_observability"}
    assert root.publish_to_prometheus_client(registry).success
    with recording() as started:
        started.handle.metrics.counter("contract.published").add(2)
        assert registry.get_sample_value("contract_published_total", labels) == 2
    assert registry.get_sample_value("contract_published_total", labels) is None


@contract("flext_prometheus_rules")
def alert_rules_become_a_rule_file() -> None:
    with recording() as started:
        started.handle.metrics.counter("contract.ruled")
        rule = root.FlextAlertRule("many", metric="contract.ruled", above=5)
        assert "contract_ruled_total" in root.flext_prometheus_rules([rule]).unwrap()
        unknown = root.FlextAlertRule("many", metric="contract.rule", above=5)
        assert "Use 'contract.ruled'" in str(root.flext_prometheus_rules([unknown]).error)


@contract("flext_grafana_dashboard")
def instruments_become_a_dashboard() -> None:
    with recording() as started:
        started.handle.metrics.counter("contract.shown")
        assert "contract_shown_total" in root.flext_grafana_dashboard(title="Contract").unwrap()
        assert root.flext_grafana_dashboard(uid="a b").code == "invalid_argument"


@contract("register_exporter")
def an_exporter_is_registered_by_name() -> None:
    exporter = ScriptedExporter()
    assert root.register_exporter("contract_exporter", OneExporterFactory(lambda _: exporter)).success
    assert root.register_exporter("none", OneExporterFactory(lambda _: exporter)).code == "invalid_exporter"
    with root.init_observability(exporters={"traces": ["contract_exporter"]}).unwrap(), root.traced("sent"):
        pass
    assert [span.name for batch in exporter.batches for span in batch] == ["sent"]


@contract("available_exporters")
def the_exporters_have_names() -> None:
    assert set(root.available_exporters()) >= {"otlp_http", "otlp_grpc", "prometheus", "console", "otlp_file", "memory"}


@contract("ExporterFactory")
def a_factory_creates_exporters() -> None:
    factory: root.ExporterFactory = OneExporterFactory(lambda _: ScriptedExporter(), ["logs"])
    config = root.FlextObservabilityConstants.DEFAULTS
    assert list(factory.signals()) == ["logs"]
    assert callable(getattr(factory.create("logs", config), "export", None))


@contract("ExportOutcome")
def a_dropping_outcome_is_in_the_report() -> None:
    rejecting = ScriptedExporter(root.ExportOutcome(reason="rejected", message="no", fix="send something else"))
    root.register_exporter("contract_rejecting", OneExporterFactory(lambda _: rejecting)).unwrap()
    with root.init_observability(exporters={"traces": ["contract_rejecting"]}).unwrap() as handle:
        with root.traced("rejected"):
            pass
        assert handle.flush(10).unwrap().dropped == {"rejected": 1}


@contract("ExporterUnavailable")
def an_unavailable_exporter_degrades_its_signal() -> None:
    factory = OneExporterFactory(unavailable("the disk is missing", "mount it"))
    root.register_exporter("contract_unavailable", factory).unwrap()
    with root.init_observability(exporters={"traces": ["contract_unavailable"]}).unwrap() as handle:
        status = handle.status()["traces"]
    assert (status.state, "the disk is missing" in status.reason, status.fix.lower()) == ("degraded", True, "mount it")


@contract("memory_store")
def the_memory_exporter_can_be_read() -> None:
    with recording() as started:
        with root.traced("seen"):
            root.flext_create_log_entry("info", "hello").unwrap()
        root.flext_create_metric("contract.seen", 1).unwrap()
        started.handle.flush(10).unwrap()
        store = root.memory_store()
        assert ([span.name for span in store.spans], len(store.logs), store.metric("contract.seen") is not None) == (
            ["seen"],
            1,
            True,
        )


class RecordingPlugin(root.FlextObservabilityPlugin):
    """A plug-in that records its notifications."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def on_metric_created(self, metric: root.FlextMetric) -> None:
        self.names.append(metric.name)


def _notified() -> list[str]:
    from flext_observability.extensions.plugins.hooks import plugin_hooks

    plugin = RecordingPlugin()
    assert root.register_plugin("contract_plugin", plugin).success
    try:
        with recording() as started:
            root.flext_create_metric("contract.notified", 1).unwrap()
            started.handle.flush(10).unwrap()
    finally:
        plugin_hooks().flush(time.monotonic() + 10)
        plugin_hooks().remove("contract_plugin")
    return plugin.names


@contract("FlextObservabilityPlugin")
def a_plugin_is_notified_of_overridden_hooks() -> None:
    assert _notified() == ["contract.notified"]


@contract("register_plugin")
def a_plugin_is_active_immediately() -> None:
    assert _notified() == ["contract.notified"]
    plugin: Any = RecordingPlugin
    assert root.register_plugin("contract_plugin", plugin).code == "invalid_plugin"


@contract("FlextObservabilityConstants")
def constants_hold_defaults_and_choices() -> None:
    names = root.FlextObservabilityConstants
    assert names.DEFAULTS.metrics_store_size == 1000
    assert root.flext_create_alert("a", names.ALERT_SEVERITIES[-1], "m").success


@contract("FlextObservabilityTypes")
def types_can_be_used_in_annotations() -> None:
    def kind(signal: root.FlextObservabilityTypes.Signal) -> root.FlextObservabilityTypes.SignalState:
        return "active" if signal == "traces" else "off"

    assert kind("traces") == "active"


@contract("FlextObservabilityProtocols")
def protocols_can_be_used_in_annotations() -> None:
    factory: root.FlextObservabilityProtocols.ExporterFactory = OneExporterFactory(lambda _: ScriptedExporter())
    container: root.FlextObservabilityProtocols.Container = root.FlextContainer()
    assert (len(factory.signals()), container.get("clock").success) == (3, False)
