from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from flext_observability import (
    FlextContainer,
    FlextHealthCheck,
    FlextHealthService,
    FlextObservabilityPlatformV2,
    FlextObservabilityPlugin,
    FlextResult,
    PendingResult,
    init_observability,
    register_plugin,
)
from flext_observability.domain.health_report import PROBES
from flext_observability.extensions.plugins.hooks import plugin_hooks
from flext_observability.services.health.service import MAX_REPORTED
from tests.programs import run as run_program
from tests.recorded import Recorded
from tests.waiting import eventually


@pytest.fixture
def service() -> FlextHealthService:
    return FlextHealthService(FlextContainer())


async def fine() -> bool:
    await asyncio.sleep(0)
    return True


class TestRegister:
    def test_invalid_options_fail(self, service: FlextHealthService) -> None:
        result = service.register_check("db", fine, timeout_seconds=0)
        assert (result.code, str(result.error)[:28]) == ("invalid_health_check", "Invalid health check timeout")

    def test_a_check_replaces_one_of_the_same_name(self, service: FlextHealthService) -> None:
        assert service.register_check("db", lambda: False).success
        assert service.register_check("db", lambda: True, interval_seconds=5).success
        assert service.execute_health_check("db").unwrap().status == "healthy"

    def test_a_dependency_cycle_fails_and_changes_nothing(self, service: FlextHealthService) -> None:
        service.register_check("a", lambda: True)
        service.register_check("b", lambda: True, depends_on=["a"])
        result = service.register_check("a", lambda: False, depends_on=["b"])
        assert result.code == "invalid_health_check"
        assert "a → b → a" in str(result.error)
        assert service.overall().unwrap().status == "healthy"

    def test_the_decorator_returns_the_function_unchanged(
        self, service: FlextHealthService, caplog: pytest.LogCaptureFixture
    ) -> None:
        @service.check("decorated", critical=False)
        def decorated() -> bool:
            return False

        @service.check("", critical=False)
        def nameless() -> bool:
            return True

        assert (decorated(), nameless()) == (False, True)
        assert service.overall().unwrap().reasons == ("decorated is unhealthy",)
        assert [line[:49] for line in caplog.messages] == ["register_check failed: Invalid health check name:"]


class TestKnownOverall:
    def test_nothing_runs(self, service: FlextHealthService) -> None:
        calls: list[int] = []
        service.register_check("db", lambda: calls.append(1))
        report = service.known_overall("ready").unwrap()
        assert (report.status, report.reasons, calls) == ("unhealthy", ("db is unknown: not run yet",), [])

    def test_latest_results_count_without_their_details(self, service: FlextHealthService) -> None:
        service.register_check("db", lambda: FlextHealthCheck(name="x", status="degraded", details={"a": 1}))
        service.overall().unwrap()
        report = service.known_overall().unwrap()
        assert (report.status, [(check.name, check.details) for check in report.checks]) == ("degraded", [("db", {})])

    def test_checks_of_the_probe_are_selected(self, service: FlextHealthService) -> None:
        service.register_check("db", lambda: True, critical=False)
        service.create("import", "unhealthy")
        names = {probe: [check.name for check in service.known_overall(probe).unwrap().checks] for probe in PROBES}
        assert names == {"live": [], "ready": ["db", "import"], "startup": []}
        assert [check.name for check in service.known_overall().unwrap().checks] == ["db", "import"]

    def test_startup_stays_healthy(self, service: FlextHealthService) -> None:
        service.register_check("model", lambda: True, probes=["startup"])
        assert service.known_overall("startup").unwrap().status == "unhealthy"
        service.overall("startup").unwrap()
        assert service.known_overall("startup").unwrap().checks == ()

    def test_a_late_run_is_unknown_and_a_running_one_keeps_the_last_result(self, service: FlextHealthService) -> None:
        hang, begun = threading.Event(), threading.Event()
        answers = iter([True])

        def check() -> bool:
            if next(answers, False):
                return True
            begun.set()
            return hang.wait(10)

        service.register_check("slow", check, cache_seconds=0, timeout_seconds=0.5)
        service.overall().unwrap()
        run = threading.Thread(target=service.overall)
        run.start()
        assert begun.wait(5)
        running = service.known_overall().unwrap().checks[0].status
        late = eventually(lambda: service.known_overall().unwrap().status == "degraded")
        run.join(5)
        hang.set()
        assert (running, late) == ("healthy", True)


class TestUnregister:
    def test_check_report_and_data_point_are_removed(self, recorded: Recorded, service: FlextHealthService) -> None:
        service.register_check("gone", lambda: False)
        service.execute_health_check("gone")
        service.execute_health_check(FlextHealthCheck(name="reported"))
        for name in ("gone", "reported"):
            assert service.unregister_check(name).success
        assert (service.checks().unwrap(), recorded.values("flext.health.status")) == ((), {})

    @pytest.mark.parametrize("name", ["missing", 5, None])
    def test_an_unknown_name_is_a_failure(self, service: FlextHealthService, name: Any) -> None:
        assert service.unregister_check(name).code == "unknown_check"


class TestChecks:
    def test_the_latest_results_are_returned_without_a_run(self, service: FlextHealthService) -> None:
        service.register_check("new", lambda: pytest.fail("it ran"))
        service.register_check("old", lambda: "degraded")
        service.execute_health_check("old")
        service.execute_health_check(FlextHealthCheck(name="reported"))
        results = [(check.name, check.status, check.message) for check in service.checks().unwrap()]
        assert results == [("new", "unknown", "not run yet"), ("old", "degraded", ""), ("reported", "healthy", "")]


class TestExecute:
    def test_an_entity_is_reported_once(self, recorded: Recorded, service: FlextHealthService) -> None:
        check = FlextHealthCheck(name="reported once", status="degraded", message="slow")
        for _ in range(2):
            assert service.execute_health_check(check).data is check
        assert recorded.values("flext.health.status")[(("flext.check", "reported once"),)] == 0.5
        assert [record.body for record in recorded.logs("flext.health")] == ["slow"]

    def test_a_registered_check_runs_and_is_emitted(self, recorded: Recorded, service: FlextHealthService) -> None:
        service.register_check("run", fine)
        assert service.execute_health_check("run").unwrap().status == "healthy"
        assert recorded.values("flext.health.status")[(("flext.check", "run"),)] == 1

    def test_inside_a_loop_it_is_pending_until_awaited(self, service: FlextHealthService) -> None:
        service.register_check("async", fine)
        service.register_check("sync", lambda: True)

        async def main() -> list[str]:
            pending = service.execute_health_check("async")
            assert isinstance(pending, PendingResult)
            assert pending.code == "not_awaited"
            return [(await each).unwrap().status for each in (pending, service.execute_health_check("sync"))]

        assert asyncio.run(main()) == ["healthy", "healthy"]

    def test_inside_a_loop_it_blocks_on_request(self, service: FlextHealthService) -> None:
        service.register_check("async", fine)
        platform = FlextObservabilityPlatformV2()
        platform.health.register_check("async", fine)

        async def main() -> list[FlextResult[Any]]:
            return [
                service.execute_health_check("async", blocking=True),
                platform.check_health("async", blocking=True),
                service.overall(blocking=True),
            ]

        assert [each.unwrap().status for each in asyncio.run(main())] == ["healthy"] * 3

    @pytest.mark.parametrize("given", ["unknown", None, 5, []])
    def test_an_unregistered_name_fails(self, service: FlextHealthService, given: Any) -> None:
        assert service.execute_health_check(given).code == "unknown_check"

    def test_an_invalid_entity_fails(self, service: FlextHealthService) -> None:
        result = service.execute_health_check(FlextHealthCheck(name="db", status="fine"))
        assert str(result.error).startswith("Invalid health check status")


class TestOverall:
    def test_no_checks_are_healthy(self, service: FlextHealthService) -> None:
        report = service.overall().unwrap()
        assert (report.status, report.reasons, report.checks) == ("healthy", (), ())

    @pytest.mark.parametrize(
        ("status", "critical", "expected"),
        [
            ("healthy", True, "healthy"),
            ("degraded", True, "degraded"),
            ("unhealthy", True, "unhealthy"),
            ("unknown", True, "degraded"),
            ("degraded", False, "degraded"),
            ("unhealthy", False, "degraded"),
            ("unknown", False, "healthy"),
        ],
    )
    def test_a_status_counts_by_criticality(
        self, service: FlextHealthService, status: str, critical: bool, expected: str
    ) -> None:
        service.register_check("db", lambda: status, critical=critical)
        assert service.overall().unwrap().status == expected

    def test_the_worst_status_counts_with_reasons_and_reports(self, service: FlextHealthService) -> None:
        service.register_check("b", lambda: "degraded")
        service.register_check("c", lambda: True)
        service.execute_health_check(FlextHealthCheck(name="a", status="unhealthy", message="gone"))
        report = service.overall().unwrap()
        assert report.status == "unhealthy"
        assert report.reasons == ("a is unhealthy: gone", "b is degraded")
        assert [check.name for check in report.checks] == ["a", "b", "c"]

    def test_checks_run_concurrently_inside_a_loop(self, service: FlextHealthService) -> None:
        both = asyncio.Event()

        async def first() -> bool:
            return await asyncio.wait_for(both.wait(), 5)

        async def second() -> None:
            both.set()

        service.register_check("first", first)
        service.register_check("second", second)

        async def main() -> str:
            return (await service.overall()).unwrap().status

        assert asyncio.run(main()) == "healthy"

    def test_the_newest_reports_are_kept(self, service: FlextHealthService) -> None:
        for number in range(MAX_REPORTED + 1):
            service.execute_health_check(FlextHealthCheck(name=f"check {number}"))
        checks = service.overall().unwrap().checks
        assert len(checks) == MAX_REPORTED
        assert "check 0" not in {check.name for check in checks}


class TestProbes:
    @pytest.fixture
    def probed(self, service: FlextHealthService) -> FlextHealthService:
        service.register_check("loop", lambda: True, probes=["live"])
        service.register_check("database", lambda: "unknown")
        service.register_check("model", lambda: self.loaded, probes=["startup", "ready"], cache_seconds=0)
        service.register_check("queue", lambda: False, probes=())
        return service

    loaded = True

    @pytest.mark.parametrize(
        ("probe", "status", "names"),
        [
            ("live", "healthy", ["loop"]),
            ("ready", "unhealthy", ["database", "model"]),
            ("startup", "healthy", ["model"]),
            (None, "unhealthy", ["database", "loop", "model", "queue"]),
        ],
    )
    def test_each_probe_has_its_own_checks(
        self, probed: FlextHealthService, probe: str | None, status: str, names: list[str]
    ) -> None:
        report = probed.overall(probe).unwrap()
        assert (report.status, [check.name for check in report.checks]) == (status, names)

    def test_reports_count_for_ready(self, service: FlextHealthService) -> None:
        service.execute_health_check(FlextHealthCheck(name="disk", status="unhealthy"))
        statuses = {probe: service.overall(probe).unwrap().status for probe in ("live", "ready", "startup")}
        assert statuses == {"live": "healthy", "ready": "unhealthy", "startup": "healthy"}

    def test_startup_stays_passed(self, probed: FlextHealthService, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(TestProbes, "loaded", False)
        assert probed.overall("startup").unwrap().status == "unhealthy"
        monkeypatch.setattr(TestProbes, "loaded", True)
        assert probed.overall("startup").unwrap().status == "healthy"
        monkeypatch.setattr(TestProbes, "loaded", False)
        assert probed.overall("startup").unwrap().status == "healthy"

    @pytest.mark.parametrize("probe", ["alive", 5, "", [], object()])
    def test_an_unknown_probe_is_a_failure(self, service: FlextHealthService, probe: Any) -> None:
        assert service.overall(probe).code == "unknown_probe"


class TestTelemetry:
    def test_it_is_registered_from_start_to_shutdown(self) -> None:
        handle = init_observability(exporters="memory", console=False).unwrap()
        health = handle.health
        assert [check.name for check in health.overall().unwrap().checks] == ["telemetry"]
        assert health.overall("ready").unwrap().checks == ()
        handle.shutdown()
        assert health.overall().unwrap().checks == ()

    def test_it_can_be_disabled(self) -> None:
        with init_observability(exporters="memory", console=False, health_telemetry=False).unwrap() as handle:
            assert handle.health.overall().unwrap().checks == ()

    def test_a_check_of_the_program_replaces_it(self) -> None:
        with init_observability(exporters="memory", console=False).unwrap() as handle:
            handle.health.register_check("telemetry", lambda: "degraded")
            init_observability(exporters="memory", console=False)
            assert handle.health.overall().unwrap().reasons == ("telemetry is degraded",)
            handle.health.unregister_check("telemetry")

    def test_a_forked_child_reports_its_own_losses(self) -> None:
        done = run_program("""
            import os
            from flext_observability import init_observability, traced

            options = {"exporters": "otlp", "otlp_endpoint": "http://127.0.0.1:9", "traces_max_queue_size": 1}
            handle = init_observability(**options).unwrap()
            for _ in range(3):
                with traced("x"):
                    pass
            print("lost in the last minute" in str(handle.health.overall().unwrap().reasons), flush=True)
            if os.fork() == 0:
                result = handle.health.execute_health_check("telemetry").unwrap()
                print("lost in the last minute" in result.message, flush=True)
                os._exit(0)
            os.wait()
            handle.shutdown(0)
        """)
        assert done.lines == ["True", "False"], done.err


def test_plugins_are_notified_of_changes(recorded: Recorded, service: FlextHealthService) -> None:
    notified: list[str] = []

    class Recording(FlextObservabilityPlugin):
        def on_health_changed(self, check: FlextHealthCheck) -> None:
            notified.append(check.status)

    register_plugin("recording", Recording())
    for status in ("healthy", "healthy", "unhealthy"):
        service.execute_health_check(FlextHealthCheck(name="changing", status=status))
    recorded.handle.flush(5)
    plugin_hooks().remove("recording")
    assert notified == ["healthy", "unhealthy"]
