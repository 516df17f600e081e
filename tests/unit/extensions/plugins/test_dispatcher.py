"""Plug-ins that raise, hang, are slow, re-enter or cannot keep up: each costs itself alone."""

from __future__ import annotations

import asyncio
import sys
import threading
from time import monotonic
from typing import Any

import pytest

from flext_observability import FlextMetricsService, FlextResult
from flext_observability.extensions.plugins import dispatcher
from flext_observability.extensions.plugins.hooks import HOOKS, Hooks
from tests.unit.extensions.plugins.heard import METRIC, Doing, Holding, Recording, add, flush, status


def raising(error: BaseException) -> Doing:
    def work(_: object) -> None:
        raise error

    return Doing(work)


@pytest.mark.parametrize("error", [ValueError("bad day"), SystemExit(3), KeyboardInterrupt("bad day")])
def test_one_that_raises_is_counted_and_the_others_hear_on(
    hooks: Hooks, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    after = Recording(order=1)
    add(hooks, broken=raising(error), after=after)
    for _ in range(3):
        hooks.tell("on_metric_created", METRIC)
    assert flush(hooks)
    broken = status(hooks, "broken")
    assert (broken.calls, broken.failures, broken.switched_off) == (3, 3, "")
    assert broken.last_error.startswith(f"on_metric_created: {type(error).__name__}")
    assert after.heard == [METRIC] * 3
    assert [record.message.partition(" failed")[0] for record in caplog.records] == [
        "on_metric_created of the plug-in broken"
    ]


def test_a_failed_result_counts_as_a_failure_and_other_answers_do_not(hooks: Hooks) -> None:
    answers: list[Any] = [None, FlextResult.ok(1), FlextResult[int].fail("no", code="full"), 5]
    add(hooks, answering=Doing(lambda _: answers.pop(0)))
    for _ in range(4):
        hooks.tell("on_metric_created", METRIC)
    assert flush(hooks)
    answering = status(hooks, "answering")
    assert (answering.calls, answering.failures) == (4, 1)
    assert answering.last_error == "on_metric_created: FlextObservabilityError: no"


def test_a_hook_that_is_a_coroutine_function_is_told_so(hooks: Hooks) -> None:
    async def later(_: object) -> None:
        await asyncio.sleep(0)

    add(hooks, later=Doing(later))
    hooks.tell("on_metric_created", METRIC)
    assert flush(hooks)
    assert "plain function" in status(hooks, "later").last_error


class TestTooSlow:
    @pytest.fixture(autouse=True)
    def _short_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dispatcher, "HOOK_TIMEOUT_SECONDS", 0.05)

    def test_one_that_comes_back_late_is_switched_off_and_its_items_are_dropped(
        self, hooks: Hooks, caplog: pytest.LogCaptureFixture
    ) -> None:
        slow, after = Holding(), Recording(order=1)
        slow.release.set()
        add(hooks, slow=Doing(lambda _: threading.Event().wait(0.1)), after=after)
        assert hooks._dispatcher
        for _ in range(3):
            hooks._dispatcher.call(hooks._plugins["slow"], "on_metric_created", METRIC)
        assert hooks._dispatcher._mailbox.flush(monotonic() + 10)
        found = status(hooks, "slow")
        assert (found.calls, found.dropped) == (1, 2)
        assert found.switched_off == "on_metric_created took more than 0.05 s"
        assert [notice.message for notice in hooks.notices()] == [f"Plug-in slow is switched off: {found.switched_off}"]
        assert "switched off" in caplog.text
        hooks.tell("on_metric_created", METRIC)
        assert flush(hooks)
        assert after.heard == [METRIC]

    def test_one_that_hangs_is_left_and_the_others_hear_everything(self, hooks: Hooks) -> None:
        hanging, after = Holding(), Recording(order=1)
        add(hooks, hanging=hanging, after=after)
        for _ in range(3):
            hooks.tell("on_metric_created", METRIC)
        assert flush(hooks)
        assert after.heard == [METRIC] * 3
        found = status(hooks, "hanging")
        assert (found.calls, found.dropped, found.switched_off != "") == (0, 2, True)
        hanging.release.set()  # it comes back, and nobody takes its word
        hooks.tell("on_metric_created", METRIC)
        assert flush(hooks)
        assert status(hooks, "hanging").calls == 0

    def test_telling_and_the_ticker_find_one_that_hangs(self, hooks: Hooks) -> None:
        hanging = Holding()
        add(hooks, hanging=hanging)
        hooks.tell("on_metric_created", METRIC)
        assert hanging.entered.wait(10)
        assert hooks._dispatcher
        hooks._dispatcher.look()
        assert status(hooks, "hanging").switched_off == ""
        threading.Event().wait(0.06)
        hooks.tell("on_metric_created", METRIC)
        assert status(hooks, "hanging").switched_off
        hanging.release.set()

    def test_a_flush_ends_at_its_deadline(self, hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dispatcher, "HOOK_TIMEOUT_SECONDS", 60.0)
        hanging = Holding()
        add(hooks, hanging=hanging)
        hooks.tell("on_metric_created", METRIC)
        began = monotonic()
        assert not flush(hooks, 0.15)
        assert monotonic() - began < 1
        hanging.release.set()
        assert flush(hooks)


def test_a_full_queue_drops_and_counts_and_the_caller_never_waits(hooks: Hooks) -> None:
    holding = Holding()
    add(hooks, holding=holding)
    hooks.tell("on_metric_created", METRIC)
    assert holding.entered.wait(10)
    began = monotonic()
    for _ in range(dispatcher.CAPACITY + 25):
        hooks.tell("on_metric_created", METRIC)
    assert monotonic() - began < 0.9
    assert status(hooks, "holding").dropped == 25
    assert "missed 25 entities" in hooks.notices()[0].message
    holding.release.set()
    assert flush(hooks)
    assert status(hooks, "holding").calls == dispatcher.CAPACITY + 1


def test_one_that_records_in_its_hook_does_not_loop_and_may_flush() -> None:
    service, flushed = FlextMetricsService(), list[bool]()

    def record(_: object) -> None:
        service.record_metric("plugin.own", 1, metric_type="counter").unwrap()
        flushed.append(flush(HOOKS))

    recording = Recording()
    add(HOOKS, reentering=Doing(record), recording=recording)
    try:
        service.record_metric("plugin.first", 1, metric_type="counter").unwrap()
        assert flush(HOOKS)
        found = status(HOOKS, "reentering")
    finally:
        HOOKS.remove("reentering")
        HOOKS.remove("recording")
    assert (found.calls, found.failures, found.own) == (1, 0, 1)
    assert [metric.name for metric in recording.heard] == ["plugin.first"]
    assert flushed == [True]
    assert "plugin.own" in service.export_prometheus_format().unwrap()


def test_many_threads_are_heard_exactly(hooks: Hooks) -> None:
    recording = Recording()
    add(hooks, recording=recording)

    def work() -> None:
        for _ in range(100):
            hooks.tell("on_metric_created", METRIC)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert flush(hooks)
    found = status(hooks, "recording")
    assert found.calls + found.dropped == 800
    assert len(recording.heard) == found.calls


@pytest.mark.skipif(sys.platform == "win32", reason="forks do not exist there")
def test_a_forked_child_has_the_plugins_with_counts_of_its_own() -> None:
    from tests.programs import run

    done = run("""
        import os, time
        from flext_observability import FlextMetricsService, FlextObservabilityPlugin, register_plugin
        from flext_observability.extensions.plugins.hooks import HOOKS
        class Audit(FlextObservabilityPlugin):
            def on_metric_created(self, metric): pass
        register_plugin("audit", Audit()).unwrap()
        service = FlextMetricsService()
        def record(count):
            for _ in range(count):
                service.record_metric("forked", 1).unwrap()
            assert HOOKS.flush(time.monotonic() + 10)
            print(HOOKS.status()[0].calls, flush=True)
        record(3)
        child = os.fork()
        if child == 0:
            record(2)
            os._exit(0)
        os.waitpid(child, 0)
        record(1)
    """)
    assert (done.code, done.lines) == (0, ["3", "2", "4"]), done.err
