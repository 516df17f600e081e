from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator

import pytest

from flext_observability import FlextHealthService
from flext_observability.runtime.scheduler import SCHEDULER
from flext_observability.services.health import check
from flext_observability.services.health.check import RegisteredCheck
from tests.programs import run as run_program
from tests.waiting import eventually


@pytest.fixture
def jobs() -> Callable[[], set[str]]:
    """The jobs of checks that this test adds; services of other tests may have left some that end at their next turn."""
    before = set(SCHEDULER.names())
    return lambda: {name for name in SCHEDULER.names() if name.startswith("flext.health.")} - before


@pytest.fixture
def service() -> Iterator[FlextHealthService]:
    made = FlextHealthService()
    yield made
    made.disconnect()


class Counted:
    """A check that counts its runs, and may be held."""

    def __init__(self) -> None:
        self.runs = 0
        self.began = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self) -> bool:
        self.runs += 1
        self.began.set()
        return self.go_on.wait(10)


class TestCache:
    def test_what_was_found_is_given_again_while_it_is_fresh(self, service: FlextHealthService) -> None:
        check = Counted()
        service.register_check("db", check, cache_seconds=60)
        for _ in range(3):
            assert service.overall().unwrap().status == "healthy"
        assert check.runs == 1

    def test_without_a_cache_each_look_runs_it(self, service: FlextHealthService) -> None:
        check = Counted()
        service.register_check("db", check, cache_seconds=0)
        for _ in range(3):
            service.overall()
        assert check.runs == 3

    def test_to_execute_it_runs_it_however_fresh(self, service: FlextHealthService) -> None:
        check = Counted()
        service.register_check("db", check, cache_seconds=60)
        for _ in range(2):
            service.overall()
            service.execute_health_check("db")
        assert check.runs == 3


class TestOneRun:
    def test_many_who_ask_at_once_share_it(self, service: FlextHealthService) -> None:
        check = Counted()
        check.go_on.clear()
        service.register_check("db", check)
        statuses: list[str] = []
        askers = [threading.Thread(target=lambda: statuses.append(service.overall().unwrap().status)) for _ in range(8)]
        for asker in askers:
            asker.start()
        assert check.began.wait(5)
        check.go_on.set()
        for asker in askers:
            asker.join(5)
        assert (statuses, check.runs) == (["healthy"] * 8, 1)

    def test_who_waits_runs_it_when_the_first_is_cancelled(self, service: FlextHealthService) -> None:
        began, runs = asyncio.Event(), list[int]()

        async def check() -> None:
            runs.append(1)
            began.set()
            await asyncio.sleep(0.01 if len(runs) > 1 else 60)

        async def main() -> str:
            registered = RegisteredCheck("db", check)
            clock = service._clock
            first = asyncio.ensure_future(registered.look(clock, apart=False))
            await began.wait()
            second = asyncio.ensure_future(registered.look(clock, apart=False))
            await asyncio.sleep(0)
            first.cancel()
            return (await second)[0].status

        assert (asyncio.run(main()), len(runs)) == ("healthy", 2)

    def test_one_that_blocks_its_callers_loop_is_unknown_to_others(
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
        asker = threading.Thread(target=lambda: asyncio.run(ask()))
        asker.start()
        assert began.wait(5)
        found = service.execute_health_check("blocking").unwrap()
        release.set()
        asker.join(5)
        assert (found.status, found.message) == ("unknown", "the run before has not ended")

    def test_an_async_one_that_blocks_does_not_block_who_asks_without_a_loop(self, service: FlextHealthService) -> None:
        release = threading.Event()

        async def block() -> None:
            release.wait(10)

        service.register_check("blocking", block, timeout_seconds=0.05)
        service.register_check("other", lambda: True)
        report = service.overall().unwrap()
        release.set()
        assert [check.status for check in report.checks] == ["unknown", "healthy"]

    @pytest.mark.parametrize("known", [False, True])
    def test_one_that_asks_for_the_whole_does_not_wait_for_itself(
        self, service: FlextHealthService, known: bool
    ) -> None:
        inside: list[str] = []

        def nosy() -> bool:
            inside.extend(check.status for check in service.overall().unwrap().checks)
            return True

        service.register_check("nosy", nosy, cache_seconds=0)
        if known:
            service.overall()
            inside.clear()
        assert service.overall().unwrap().status == "healthy"
        assert inside == ["healthy" if known else "unknown"]

    def test_one_that_starts_a_thread_which_asks_is_bounded(
        self, service: FlextHealthService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(check, "_GRACE_SECONDS", 0.05)
        asked: list[str] = []

        def spawn() -> bool:
            thread = threading.Thread(
                target=lambda: asked.append(service.execute_health_check("spawning").unwrap().status)
            )
            thread.start()
            thread.join(10)
            return True

        service.register_check("spawning", spawn, timeout_seconds=0.1)
        assert service.overall().unwrap().checks[0].status == "unknown"
        assert eventually(lambda: asked == ["unknown"])


class TestInterval:
    def test_it_runs_in_the_background(self, service: FlextHealthService, jobs: Callable[[], set[str]]) -> None:
        check = Counted()
        service.register_check("db", check, interval_seconds=0.01)
        assert eventually(lambda: check.runs > 2)
        service.unregister_check("db")
        assert jobs() == set()

    def test_who_asks_gets_what_was_found_last(self, service: FlextHealthService) -> None:
        check = Counted()
        service.register_check("db", check, interval_seconds=60)
        for _ in range(3):
            assert service.overall().unwrap().status == "healthy"
        assert check.runs == 1

    def test_one_that_hangs_holds_up_no_other_and_has_one_thread(self, service: FlextHealthService) -> None:
        hanging, other = Counted(), Counted()
        hanging.go_on.clear()
        service.register_check("hanging", hanging, interval_seconds=0.01, timeout_seconds=0.05)
        service.register_check("other", other, interval_seconds=0.01)
        assert eventually(lambda: other.runs > 20)
        assert hanging.runs == 1
        assert eventually(lambda: service.checks().unwrap()[0].message == "the run before has not ended")
        hanging.go_on.set()
        assert eventually(lambda: hanging.runs > 1)

    def test_replacing_a_check_ends_its_job(self, service: FlextHealthService, jobs: Callable[[], set[str]]) -> None:
        service.register_check("db", lambda: True, interval_seconds=60)
        before = jobs()
        service.register_check("db", lambda: True, interval_seconds=60)
        assert len(jobs()) == 1
        assert jobs() != before

    def test_the_end_stops_it_and_the_next_start_goes_on(
        self, service: FlextHealthService, jobs: Callable[[], set[str]]
    ) -> None:
        service.register_check("db", lambda: True, interval_seconds=60)
        before = jobs()
        service.disconnect()
        assert jobs() == set()
        service.connect(dict)
        assert jobs() == before

    def test_a_service_that_nobody_has_any_more_stops(self, jobs: Callable[[], set[str]]) -> None:
        service = FlextHealthService()
        service.register_check("db", lambda: True, interval_seconds=0.01)
        (job,) = jobs()
        del service
        gc.collect()
        assert eventually(lambda: job not in jobs())


def test_a_forked_child_runs_what_runs_in_the_parent_and_goes_on_by_itself() -> None:
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
