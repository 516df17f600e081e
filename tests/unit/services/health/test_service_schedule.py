from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator

import pytest

from flext_observability import FlextHealthService
from flext_observability.runtime.scheduler import scheduler
from flext_observability.services.health import check
from flext_observability.services.health.check import RegisteredCheck
from tests.programs import run as run_program
from tests.waiting import eventually


@pytest.fixture
def jobs() -> Callable[[], set[str]]:
    """Return the scheduled jobs of this test. Services of other tests may have left jobs that end on their next run."""
    before = set(scheduler().names())
    return lambda: {name for name in scheduler().names() if name.startswith("flext.health.")} - before


@pytest.fixture
def service() -> Iterator[FlextHealthService]:
    health = FlextHealthService()
    yield health
    health.disconnect()


class Counted:
    """A check that counts its runs and can be blocked."""

    def __init__(self) -> None:
        self.runs = 0
        self.started = threading.Event()
        self.release = threading.Event()
        self.release.set()

    def __call__(self) -> bool:
        self.runs += 1
        self.started.set()
        return self.release.wait(10)


class TestCache:
    def test_a_cached_result_is_returned(self, service: FlextHealthService) -> None:
        check = Counted()
        service.register_check("db", check, cache_seconds=60)
        for _ in range(3):
            assert service.overall().unwrap().status == "healthy"
        assert check.runs == 1

    def test_without_a_cache_each_report_runs_the_check(self, service: FlextHealthService) -> None:
        check = Counted()
        service.register_check("db", check, cache_seconds=0)
        for _ in range(3):
            service.overall()
        assert check.runs == 3

    def test_execute_ignores_the_cache(self, service: FlextHealthService) -> None:
        check = Counted()
        service.register_check("db", check, cache_seconds=60)
        for _ in range(2):
            service.overall()
            service.execute_health_check("db")
        assert check.runs == 3


class TestSharedRun:
    def test_concurrent_callers_share_a_run(self, service: FlextHealthService) -> None:
        check = Counted()
        check.release.clear()
        service.register_check("db", check)
        statuses: list[str] = []
        callers = [
            threading.Thread(target=lambda: statuses.append(service.overall().unwrap().status)) for _ in range(8)
        ]
        for caller in callers:
            caller.start()
        assert check.started.wait(5)
        check.release.set()
        for caller in callers:
            caller.join(5)
        assert (statuses, check.runs) == (["healthy"] * 8, 1)

    def test_a_waiting_caller_runs_the_check_when_the_first_is_cancelled(self, service: FlextHealthService) -> None:
        began, runs = asyncio.Event(), list[int]()

        async def check() -> None:
            runs.append(1)
            began.set()
            await asyncio.sleep(0.01 if len(runs) > 1 else 60)

        async def main() -> str:
            registered = RegisteredCheck("db", check)
            first = asyncio.ensure_future(registered.evaluate(own_loop=False))
            await began.wait()
            second = asyncio.ensure_future(registered.evaluate(own_loop=False))
            await asyncio.sleep(0)
            first.cancel()
            return (await second)[0].status

        assert (asyncio.run(main()), len(runs)) == ("healthy", 2)

    def test_a_check_that_blocks_the_loop_of_its_caller_is_unknown_to_others(
        self, service: FlextHealthService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(check, "_GRACE_SECONDS", 0.05)
        began, release = threading.Event(), threading.Event()

        async def block() -> None:
            began.set()
            release.wait(10)

        async def ask() -> None:
            await service.overall()

        service.register_check("blocking", block, timeout_seconds=0.05)
        caller = threading.Thread(target=lambda: asyncio.run(ask()))
        caller.start()
        assert began.wait(5)
        found = service.execute_health_check("blocking").unwrap()
        release.set()
        caller.join(5)
        assert (found.status, found.message) == ("unknown", "the previous run has not ended")

    def test_a_blocking_async_check_does_not_block_a_caller_without_a_loop(self, service: FlextHealthService) -> None:
        release = threading.Event()

        async def block() -> None:
            release.wait(10)

        service.register_check("blocking", block, timeout_seconds=0.05)
        service.register_check("other", lambda: True)
        report = service.overall().unwrap()
        release.set()
        assert [check.status for check in report.checks] == ["unknown", "healthy"]

    @pytest.mark.parametrize("known", [False, True])
    def test_a_check_that_calls_overall_does_not_wait_for_itself(
        self, service: FlextHealthService, known: bool
    ) -> None:
        inside: list[str] = []

        def recursive() -> bool:
            inside.extend(check.status for check in service.overall().unwrap().checks)
            return True

        service.register_check("recursive", recursive, cache_seconds=0)
        if known:
            service.overall()
            inside.clear()
        assert service.overall().unwrap().status == "healthy"
        assert inside == ["healthy" if known else "unknown"]

    def test_a_check_whose_thread_runs_the_check_is_bounded(
        self, service: FlextHealthService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(check, "_GRACE_SECONDS", 0.05)
        statuses: list[str] = []

        def spawn() -> bool:
            thread = threading.Thread(
                target=lambda: statuses.append(service.execute_health_check("spawning").unwrap().status)
            )
            thread.start()
            thread.join(10)
            return True

        service.register_check("spawning", spawn, timeout_seconds=0.1)
        assert service.overall().unwrap().checks[0].status == "unknown"
        assert eventually(lambda: statuses == ["unknown"])


class TestInterval:
    def test_a_check_runs_in_the_background(self, service: FlextHealthService, jobs: Callable[[], set[str]]) -> None:
        check = Counted()
        service.register_check("db", check, interval_seconds=0.01)
        assert eventually(lambda: check.runs > 2)
        service.unregister_check("db")
        assert jobs() == set()

    def test_a_caller_gets_the_latest_result(self, service: FlextHealthService) -> None:
        check = Counted()
        service.register_check("db", check, interval_seconds=60)
        for _ in range(3):
            assert service.overall().unwrap().status == "healthy"
        assert check.runs == 1

    def test_a_hanging_check_delays_no_other_and_has_one_thread(self, service: FlextHealthService) -> None:
        hanging, other = Counted(), Counted()
        hanging.release.clear()
        service.register_check("hanging", hanging, interval_seconds=0.01, timeout_seconds=0.05)
        service.register_check("other", other, interval_seconds=0.01)
        assert eventually(lambda: other.runs > 20)
        assert hanging.runs == 1
        assert eventually(lambda: service.checks().unwrap()[0].message == "the previous run has not ended")
        hanging.release.set()
        assert eventually(lambda: hanging.runs > 1)

    def test_replacing_a_check_ends_its_job(self, service: FlextHealthService, jobs: Callable[[], set[str]]) -> None:
        service.register_check("db", lambda: True, interval_seconds=60)
        previous = jobs()
        service.register_check("db", lambda: True, interval_seconds=60)
        assert len(jobs()) == 1
        assert jobs() != previous

    def test_disconnect_stops_the_runs_and_connect_resumes_them(
        self, service: FlextHealthService, jobs: Callable[[], set[str]]
    ) -> None:
        service.register_check("db", lambda: True, interval_seconds=60)
        before = jobs()
        service.disconnect()
        assert jobs() == set()
        service.connect(dict)
        assert jobs() == before

    def test_the_runs_of_a_garbage_collected_service_stop(self, jobs: Callable[[], set[str]]) -> None:
        service = FlextHealthService()
        service.register_check("db", lambda: True, interval_seconds=0.01)
        (job,) = jobs()
        del service
        gc.collect()
        assert eventually(lambda: job not in jobs())


def test_a_forked_child_runs_the_checks_of_its_parent_by_itself() -> None:
    done = run_program("""
        import os, threading, time
        from flext_observability import FlextHealthService

        health, hang, began, parent = FlextHealthService(), threading.Event(), threading.Event(), os.getpid()
        def check():
            began.set()
            return hang.wait() if os.getpid() == parent else True
        health.register_check("slow", check, interval_seconds=0.02, timeout_seconds=5)
        began.wait(10)
        child = os.fork()
        if child == 0:
            deadline = time.monotonic() + 10
            while health.checks().unwrap()[0].status != "healthy" and time.monotonic() < deadline:
                time.sleep(0.005)
            print(health.checks().unwrap()[0].status, health.overall().unwrap().status, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        hang.set()
    """)
    assert done.lines == ["healthy healthy"], done.err
