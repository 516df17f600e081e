from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flext_observability import FlextContainer, FlextHealthCheck, FlextHealthService, PendingResult
from flext_observability.services.health import MAX_REPORTED
from tests.recorded import Recorded


@pytest.fixture
def service() -> FlextHealthService:
    return FlextHealthService(FlextContainer())


async def fine() -> bool:
    await asyncio.sleep(0)
    return True


class TestRegister:
    @pytest.mark.parametrize(
        ("arguments", "options", "word"),
        [
            (("", fine), {}, "name"),
            ((5, fine), {}, "name"),
            (("db", 5), {}, "callable"),
            (("db", fine), {"timeout_seconds": 0}, "timeout"),
            (("db", fine), {"timeout_seconds": "1"}, "timeout"),
            (("db", fine), {"timeout_seconds": True}, "timeout"),
            (("db", fine), {"timeout_seconds": None}, "timeout"),
            (("db", fine), {"timeout_seconds": float("inf")}, "timeout"),
            (("db", fine), {"interval_seconds": -1}, "interval"),
        ],
    )
    def test_wrong_arguments_fail(
        self, service: FlextHealthService, arguments: tuple[Any, ...], options: dict[str, Any], word: str
    ) -> None:
        result = service.register_check(*arguments, **options)
        assert (result.code, str(result.error).startswith(f"Invalid health check {word}")) == (
            "invalid_health_check",
            True,
        )

    def test_the_same_name_replaces(self, service: FlextHealthService) -> None:
        assert service.register_check("db", lambda: False).success
        assert service.register_check("db", lambda: True, interval_seconds=5).success
        assert service.execute_health_check("db").unwrap().status == "healthy"


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

    @pytest.mark.parametrize("given", ["unknown", None, 5, []])
    def test_what_is_not_registered_fails(self, service: FlextHealthService, given: Any) -> None:
        assert service.execute_health_check(given).code == "unknown_check"

    def test_a_broken_rule_fails(self, service: FlextHealthService) -> None:
        result = service.execute_health_check(FlextHealthCheck(name="db", status="nonsense"))
        assert str(result.error).startswith("Invalid health check status")


class TestOverall:
    def test_nothing_to_check_is_healthy(self, service: FlextHealthService) -> None:
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
    def test_each_check_counts_by_its_weight(
        self, service: FlextHealthService, status: str, critical: bool, expected: str
    ) -> None:
        service.register_check("db", lambda: status, critical=critical)
        assert service.overall().unwrap().status == expected

    def test_the_worst_wins_with_reasons_and_reports_count_too(self, service: FlextHealthService) -> None:
        service.register_check("b", lambda: "degraded")
        service.register_check("c", lambda: True)
        service.execute_health_check(FlextHealthCheck(name="a", status="unhealthy", message="gone"))
        report = service.overall().unwrap()
        assert report.status == "unhealthy"
        assert report.reasons == ("a is unhealthy: gone", "b is degraded")
        assert [check.name for check in report.checks] == ["a", "b", "c"]

    def test_checks_run_side_by_side_inside_a_loop(self, service: FlextHealthService) -> None:
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
