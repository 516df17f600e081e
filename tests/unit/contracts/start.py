"""What the names of start-up, results, correlation and propagation promise."""

from __future__ import annotations

import asyncio
from dataclasses import FrozenInstanceError, replace

import pytest

import flext_observability as root
from tests.recorded import recording
from tests.unit.contracts.table import contract


@contract("init_observability")
def starts_and_names_every_wrong_argument() -> None:
    with root.init_observability(service_name="shop", exporters="none").unwrap() as handle:
        assert handle.config.service_name == "shop"
    wrong = root.init_observability(service_name=3, sample_ratio=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert wrong.code == "invalid_settings"
    assert all(word in str(wrong.error) for word in ("service_name", "sample_ratio"))


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
def the_active_handle_and_a_failure_without_one() -> None:
    assert root.get_observability().code == "not_started"
    with recording() as started:
        assert root.get_observability().unwrap().config is started.handle.config


@contract("flush_observability")
def flush_sends_what_was_recorded() -> None:
    assert root.flush_observability().code == "not_started"
    with recording():
        with root.traced("flushed"):
            pass
        assert root.flush_observability(10).unwrap().complete
        assert [span.name for span in root.memory_store().spans] == ["flushed"]
        assert root.flush_observability(-1).code == "invalid_timeout"


@contract("shutdown_observability")
def shutdown_sends_what_is_left_and_stops() -> None:
    assert root.shutdown_observability().code == "not_started"
    with recording():
        with root.traced("left"):
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
def a_status_says_state_reason_fix_and_counts() -> None:
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
    assert "1 exported" in str(report)


@contract("ShutdownReport")
def a_shutdown_report_is_the_last_word() -> None:
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
def a_pending_result_works_when_it_is_awaited() -> None:
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
def a_container_keeps_instances_and_factories() -> None:
    container = root.FlextContainer()
    assert container.register("id_generator", lambda: "id-1").success
    assert container.register_factory("list", list).success
    assert container.get("list").unwrap() is container.get("list").unwrap()
    assert container.get("nothing").code == "not_found"
    assert root.FlextObservabilityMasterFactory(container).create_metric("a", 1).unwrap().id == "id-1"


@contract("flext_get_correlation_id")
def a_correlation_id_is_made_when_there_is_none() -> None:
    assert root.flext_get_correlation_id() == root.flext_get_correlation_id() != ""


@contract("flext_set_correlation_id")
def a_correlation_id_from_outside_is_checked() -> None:
    assert root.flext_set_correlation_id("request-1").success
    for wrong in ("", "x" * 200, "line\nbreak", "\x00"):
        assert root.flext_set_correlation_id(wrong).is_failure
    assert root.flext_get_correlation_id() == "request-1"


@contract("correlation_scope")
def a_scope_ends_with_its_body() -> None:
    root.flext_set_correlation_id("outer").unwrap()
    with root.correlation_scope("inner"):
        assert root.flext_get_correlation_id() == "inner"
    assert root.flext_get_correlation_id() == "outer"


@contract("inject_context")
def context_goes_into_a_carrier() -> None:
    carrier: dict[str, str] = {}
    with recording(), root.correlation_scope("request-1"), root.traced("caller") as span:
        root.inject_context(carrier)
    assert f"{span.get_span_context().trace_id:032x}" in carrier["traceparent"]
    assert "request-1" in carrier.values()


@contract("extract_context")
def context_comes_out_of_a_carrier() -> None:
    carrier = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    with recording() as started:
        with root.traced("called", parent=root.extract_context(carrier)):
            pass
        parent = started.span("called").parent
    assert parent is not None
    assert (f"{parent.trace_id:x}", f"{parent.span_id:x}") == ("a" * 32, "b" * 16)
