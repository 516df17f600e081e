"""Contracts of start-up, results, correlation and propagation."""

from __future__ import annotations

import asyncio
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

import flext_observability as root
from tests.recorded import recording
from tests.unit.contracts.table import contract


@contract("init_observability")
def it_starts_and_names_every_invalid_argument() -> None:
    with root.init_observability(service_name="shop", exporters="none").unwrap() as handle:
        assert handle.config.service_name == "shop"
    arguments: dict[str, Any] = {"service_name": 3, "sample_ratio": 7}
    invalid = root.init_observability(**arguments)
    assert invalid.code == "invalid_settings"
    assert all(name in str(invalid.error) for name in arguments)


@contract("Observability")
def the_handle_has_services_status_flush_and_shutdown() -> None:
    with recording() as started:
        handle: root.Observability = started.handle
        assert isinstance(handle.tracing, root.FlextTracingService)
        assert isinstance(handle.metrics, root.FlextMetricsService)
        assert isinstance(handle.logs, root.FlextLoggingService)
        assert isinstance(handle.alerts, root.FlextAlertService)
        assert isinstance(handle.health, root.FlextHealthService)
        assert set(handle.status()) == {"traces", "metrics", "logs"}
    assert root.get_observability().is_failure


@contract("get_observability")
def the_active_handle_or_a_failure() -> None:
    assert root.get_observability().code == "not_started"
    with recording() as started:
        assert root.get_observability().unwrap().config is started.handle.config


@contract("flush_observability")
def flush_sends_queued_items() -> None:
    assert root.flush_observability().code == "not_started"
    with recording():
        with root.traced("flushed"):
            pass
        assert root.flush_observability(10).unwrap().complete
        assert [span.name for span in root.memory_store().spans] == ["flushed"]
        assert root.flush_observability(-1).code == "invalid_timeout"


@contract("shutdown_observability")
def shutdown_sends_queued_items_and_stops() -> None:
    assert root.shutdown_observability().code == "not_started"
    with recording():
        with root.traced("queued"):
            pass
        assert root.shutdown_observability(10).unwrap().exported == 1
        assert root.get_observability().is_failure


@contract("FlextObservabilityConfig")
def a_frozen_configuration_can_be_given_and_changed() -> None:
    config = root.FlextObservabilityConfig(service_name="shop", exporters={"traces": ["memory"]})
    with pytest.raises(FrozenInstanceError):
        config.service_name = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    with root.init_observability(replace(config, service_version="2"), environment="test").unwrap() as handle:
        resolved = handle.config
    assert (resolved.service_name, resolved.service_version, resolved.environment) == ("shop", "2", "test")


@contract("SignalStatus")
def a_status_has_state_reason_fix_and_counts() -> None:
    with recording(exporters={"traces": ["memory"], "metrics": ["memory"], "logs": "none"}) as started:
        status = started.handle.status()
        assert isinstance(status["traces"], root.SignalStatus)
        assert (status["traces"].state, status["traces"].exporters) == ("active", ("memory",))
        assert (status["logs"].state, bool(status["logs"].reason), bool(status["logs"].fix)) == ("off", True, True)
        assert status["traces"].counts is not None


@contract("FlushReport")
def a_flush_report_has_counts() -> None:
    with recording() as started:
        with root.traced("counted"):
            pass
        report = started.handle.flush(10).unwrap()
    assert isinstance(report, root.FlushReport)
    assert (report.complete, report.exported, report.queued, report.dropped) == (True, 1, 0, {})
    assert "1 of 1 traces exported" in str(report)


@contract("ShutdownReport")
def a_second_shutdown_returns_the_same_report() -> None:
    with recording() as started:
        report = started.handle.shutdown(10).unwrap()
        assert isinstance(report, root.ShutdownReport)
        assert started.handle.shutdown(10).unwrap() is report


@contract("FlextResult")
def a_result_is_a_value_or_a_failure() -> None:
    good, bad = root.FlextResult.ok(2), root.FlextResult[int].fail("no", code="none_left")
    assert (good.success, good.is_success, good.is_failure, good.data, good.error, bool(good)) == (
        True,
        True,
        False,
        2,
        None,
        True,
    )
    assert (bad.success, bad.data, bad.error, bad.code, bad.unwrap_or(5)) == (False, None, "no", "none_left", 5)
    assert good.map(lambda value: value * 2).flat_map(lambda value: root.FlextResult.ok(value + 1)).unwrap() == 5
    assert bad.map_error(str.upper).error == "NO"
    assert bad.or_else(lambda _: root.FlextResult.ok(7)).unwrap() == 7


@contract("PendingResult")
def a_pending_result_runs_when_awaited() -> None:
    async def main() -> None:
        with recording() as started:
            pending = started.handle.flush(10)
            assert isinstance(pending, root.PendingResult)
            assert (pending.success, pending.code) == (False, "not_awaited")
            assert (await pending).unwrap().complete
            assert pending.success

    asyncio.run(main())


@contract("FlextObservabilityError")
def unwrap_of_a_failure_raises() -> None:
    with pytest.raises(root.FlextObservabilityError, match="no disk") as raised:
        root.FlextResult[int].fail("no disk", code="full").unwrap()
    assert (raised.value.message, raised.value.code) == ("no disk", "full")


@contract("FlextContainer")
def a_container_holds_instances_and_factories() -> None:
    container = root.FlextContainer()
    assert container.register("id_generator", lambda: "id-1").success
    assert container.register_factory("list", list).success
    assert container.get("list").unwrap() is container.get("list").unwrap()
    assert container.get("nothing").code == "not_found"
    assert root.FlextObservabilityMasterFactory(container).create_metric("a", 1).unwrap().id == "id-1"


@contract("flext_get_correlation_id")
def a_correlation_id_is_created_when_there_is_none() -> None:
    assert root.flext_get_correlation_id() == root.flext_get_correlation_id() != ""


@contract("flext_set_correlation_id")
def a_given_correlation_id_is_validated() -> None:
    assert root.flext_set_correlation_id("request-1").success
    for invalid in ("", "x" * 200, "line\nbreak", "\x00"):
        assert root.flext_set_correlation_id(invalid).is_failure
    assert root.flext_get_correlation_id() == "request-1"


@contract("correlation_scope")
def a_scope_ends_with_its_body() -> None:
    root.flext_set_correlation_id("outer").unwrap()
    with root.correlation_scope("inner"):
        assert root.flext_get_correlation_id() == "inner"
    assert root.flext_get_correlation_id() == "outer"


@contract("inject_context")
def context_is_injected_into_a_carrier() -> None:
    carrier: dict[str, str] = {}
    with recording(), root.correlation_scope("request-1"), root.traced("caller") as span:
        root.inject_context(carrier)
    assert f"{span.get_span_context().trace_id:032x}" in carrier["traceparent"]
    assert "request-1" in carrier.values()


@contract("extract_context")
def context_is_extracted_from_a_carrier() -> None:
    carrier = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    with recording() as started:
        with root.traced("called", parent=root.extract_context(carrier)):
            pass
        parent = started.span("called").parent
    assert parent is not None
    assert (f"{parent.trace_id:x}", f"{parent.span_id:x}") == ("a" * 32, "b" * 16)
