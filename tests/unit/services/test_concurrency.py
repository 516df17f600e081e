"""Each service used from threads and tasks, awaited or not: the same results, and exact totals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from flext_observability import (
    FlextAlert,
    FlextAlertService,
    FlextHealthCheck,
    FlextHealthService,
    FlextLogEntry,
    FlextLoggingService,
    FlextMetricsService,
    FlextResult,
    FlextTracingService,
)
from flext_observability.services.trace_registry import started_traces
from tests.recorded import Recorded, recording
from tests.threads import THREADS, in_threads

RECORDS = 1000


def in_tasks(work: Callable[[int], Coroutine[Any, Any, object]]) -> None:
    """Run the work in eight tasks of one loop."""

    async def main() -> None:
        await asyncio.gather(*(work(number) for number in range(THREADS)))

    asyncio.run(main())


def everywhere(call: Callable[[int], FlextResult[Any]]) -> None:
    """Make the same call from threads, from tasks, and from threads with their own event loops, awaited or not."""

    async def awaited(number: int) -> None:
        result = call(number)
        assert (await result).success
        assert (await result).data is result.data

    in_threads(lambda number: call(number).unwrap())
    in_tasks(awaited)
    in_threads(lambda number: asyncio.run(awaited(number)))


def test_metrics(recorded: Recorded) -> None:
    service = FlextMetricsService()
    everywhere(lambda number: service.record_metric("side.metric", 1, tags={"n": number}, metric_type="counter"))
    everywhere(lambda _: service.collect_metrics("shop", {"side.collected": {"value": 1, "metric_type": "counter"}}))
    everywhere(lambda _: service.export_prometheus_format())
    assert recorded.values("side.metric") == {(("n", str(number)),): 3 for number in range(THREADS)}
    assert list(recorded.values("side.collected").values()) == [3 * THREADS]


def test_tracing(recorded: Recorded) -> None:
    service = FlextTracingService()
    everywhere(lambda number: service.complete_trace(service.start_trace(f"span {number}").unwrap()))
    everywhere(lambda _: service.error_trace(service.start_trace("failed").unwrap(), "declined"))
    assert len(recorded.spans()) == 6 * THREADS
    assert len(recorded.spans("failed")) == 3 * THREADS


def test_logs(recorded: Recorded) -> None:
    service = FlextLoggingService()
    everywhere(lambda number: service.log("info", "side", number=number))
    everywhere(lambda number: service.log(FlextLogEntry(level="info", message="side", context={"number": number})))
    numbers = sorted(record.attributes["number"] for record in recorded.logs())
    assert numbers == sorted(list(range(THREADS)) * 6)


def test_alerts(recorded: Recorded) -> None:
    service = FlextAlertService()

    def life_cycle(number: int) -> FlextResult[FlextAlert]:
        alert = FlextAlert(name=f"alert {number}", severity="warning", message="m")
        raised = service.process_alert(alert).unwrap()
        service.escalate_alert(raised, {"level": 2, "reason": "no reaction"}).unwrap()
        return service.resolve_alert(raised)

    everywhere(life_cycle)
    assert service.active_alerts().unwrap() == ()
    statuses = [record.attributes["flext.alert.status"] for record in recorded.logs("flext.alert")]
    assert {status: statuses.count(status) for status in set(statuses)} == {
        "active": 3 * THREADS,
        "escalated": 3 * THREADS,
        "resolved": 3 * THREADS,
    }


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_health(recorded: Recorded, kind: str) -> None:
    """Inside an event loop, running a check returns a pending result. Awaited, it equals the result in a thread."""
    service = FlextHealthService()

    async def later() -> bool:
        await asyncio.sleep(0)
        return True

    service.register_check("side check", later if kind == "async" else lambda: True).unwrap()

    async def awaited(_: int) -> None:
        pending = service.execute_health_check("side check")
        assert (pending.success, pending.code) == (False, "not_awaited")
        assert (await pending).unwrap().status == "healthy"
        assert (await service.overall()).unwrap().status == "healthy"

    in_threads(lambda _: service.execute_health_check("side check").unwrap())
    in_threads(lambda _: service.overall().unwrap())
    in_tasks(awaited)
    in_threads(lambda number: asyncio.run(awaited(number)))


class TestExactTotals:
    @pytest.fixture
    def recorded(self) -> Iterator[Recorded]:
        """Start with queues that hold every record, also on a busy machine."""
        with recording(traces_max_queue_size=20_000, logs_max_queue_size=20_000) as started:
            yield started

    @pytest.fixture(autouse=True)
    def _empty_registry(self) -> Iterator[None]:
        started_traces().evict(float("inf"))
        yield
        started_traces().evict(float("inf"))

    def test_traces(self, recorded: Recorded) -> None:
        service = FlextTracingService()

        def work(number: int) -> None:
            parent = service.start_trace(f"parent {number}").unwrap()
            for _ in range(RECORDS):
                service.complete_trace(service.start_trace("child", parent_trace_id=parent.id).unwrap()).unwrap()
            service.complete_trace(parent).unwrap()

        in_threads(work)
        spans = recorded.spans()
        parents = {span.context.span_id: span.name for span in spans if span.name != "child" and span.context}
        children = [parents[span.parent.span_id] for span in spans if span.parent is not None]
        assert {name: children.count(name) for name in parents.values()} == {
            f"parent {number}": RECORDS for number in range(THREADS)
        }

    def test_logs(self, recorded: Recorded) -> None:
        service = FlextLoggingService()
        in_threads(lambda number: [service.log("info", f"of {number}").unwrap() for _ in range(RECORDS)])
        bodies = [record.body for record in recorded.logs()]
        assert {body: bodies.count(body) for body in set(bodies)} == {
            f"of {number}": RECORDS for number in range(THREADS)
        }

    def test_alerts(self, recorded: Recorded) -> None:
        service = FlextAlertService()

        def work(number: int) -> None:
            for turn in range(RECORDS // 4):
                alert = FlextAlert(name=f"{number} {turn}", severity="error", message="m")
                service.process_alert(alert).unwrap()
                if turn % 2:
                    service.resolve_alert(alert).unwrap()

        in_threads(work)
        assert len(service.active_alerts().unwrap()) == THREADS * RECORDS // 8
        assert recorded.values("flext.alerts") == {
            (("flext.alert.severity", "error"), ("flext.alert.status", "active")): THREADS * RECORDS // 4,
            (("flext.alert.severity", "error"), ("flext.alert.status", "resolved")): THREADS * RECORDS // 8,
        }

    def test_one_alert_raised_by_all_threads_is_one_active_alert(self, recorded: Recorded) -> None:
        service = FlextAlertService()

        def work(_: int) -> None:
            for _ in range(RECORDS // 4):
                service.process_alert(FlextAlert(name="disk", severity="error", message="full")).unwrap()

        in_threads(work)
        (alert,) = service.active_alerts().unwrap()
        assert service.resolve_alert(alert).success
        assert service.resolve_alert(alert).code == "not_active"

    def test_health(self, recorded: Recorded) -> None:
        service = FlextHealthService()

        def work(number: int) -> None:
            for turn in range(RECORDS // 4):
                status = "healthy" if turn % 2 else "unhealthy"
                service.execute_health_check(FlextHealthCheck(name=f"side {number}", status=status)).unwrap()

        in_threads(work)
        changes = [record.attributes["flext.check"] for record in recorded.logs("flext.health")]
        assert {name: changes.count(name) for name in set(changes)} == {
            f"side {number}": RECORDS // 4 for number in range(THREADS)
        }
        assert [check.status for check in service.checks().unwrap()] == ["healthy"] * THREADS
