"""Plug-ins that raise, hang, are slow, record in their hooks or fill the queue: the others are not affected."""

from __future__ import annotations

import asyncio
import sys
import threading
from time import monotonic
from typing import Any

import pytest

from flext_observability import FlextMetricsService, FlextResult
from flext_observability.extensions.plugins import dispatcher
from flext_observability.extensions.plugins.hooks import Hooks, plugin_hooks
from tests.unit.extensions.plugins.samples import METRIC, Blocking, Calling, Recording, add, flush, status


def raising(error: BaseException) -> Calling:
    def fail(_: object) -> None:
        raise error

    return Calling(fail)


@pytest.mark.parametrize("error", [ValueError("disk full"), SystemExit(3), KeyboardInterrupt("disk full")])
def test_exceptions_are_counted_and_do_not_affect_other_plugins(
    hooks: Hooks, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    after = Recording(order=1)
    add(hooks, broken=raising(error), after=after)
    for _ in range(3):
        hooks.dispatch("on_metric_created", METRIC)
    assert flush(hooks)
    broken = status(hooks, "broken")
    assert (broken.calls, broken.failures, broken.switched_off) == (3, 3, "")
    assert broken.last_error.startswith(f"on_metric_created: {type(error).__name__}")
    assert after.metrics == [METRIC] * 3
    assert [record.message.partition(" failed")[0] for record in caplog.records] == [
        "on_metric_created of the plug-in broken"
    ]


def test_failed_result_is_counted_as_a_failure(hooks: Hooks) -> None:
    results: list[Any] = [None, FlextResult.ok(1), FlextResult[int].fail("no", code="full"), 5]
    add(hooks, returning=Calling(lambda _: results.pop(0)))
    for _ in range(4):
        hooks.dispatch("on_metric_created", METRIC)
    assert flush(hooks)
    returning = status(hooks, "returning")
    assert (returning.calls, returning.failures) == (4, 1)
    assert returning.last_error == "on_metric_created: FlextObservabilityError: no"


def test_coroutine_function_is_a_failure(hooks: Hooks) -> None:
    async def asynchronous(_: object) -> None:
        await asyncio.sleep(0)

    add(hooks, asynchronous=Calling(asynchronous))
    hooks.dispatch("on_metric_created", METRIC)
    assert flush(hooks)
    assert "plain function" in status(hooks, "asynchronous").last_error


class TestSlow:
    @pytest.fixture(autouse=True)
    def _short_timeout(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dispatcher, "HOOK_TIMEOUT_SECONDS", 0.05)

    def test_plugin_that_returns_late_is_switched_off_and_its_calls_are_dropped(
        self, hooks: Hooks, caplog: pytest.LogCaptureFixture
    ) -> None:
        slow, after = Blocking(), Recording(order=1)
        slow.release.set()
        add(hooks, slow=Calling(lambda _: threading.Event().wait(0.1)), after=after)
        assert hooks._dispatcher
        for _ in range(3):
            hooks._dispatcher.enqueue(hooks._plugins["slow"], "on_metric_created", METRIC)
        assert hooks._dispatcher._queue.flush(monotonic() + 10)
        found = status(hooks, "slow")
        assert (found.calls, found.dropped) == (1, 2)
        assert found.switched_off == "on_metric_created took more than 0.05 s"
        assert [notice.message for notice in hooks.notices()] == [f"Plug-in slow is switched off: {found.switched_off}"]
        assert "switched off" in caplog.text
        hooks.dispatch("on_metric_created", METRIC)
        assert flush(hooks)
        assert after.metrics == [METRIC]

    def test_plugin_that_hangs_is_switched_off_and_the_others_get_all_entities(self, hooks: Hooks) -> None:
        hanging, after = Blocking(), Recording(order=1)
        add(hooks, hanging=hanging, after=after)
        for _ in range(3):
            hooks.dispatch("on_metric_created", METRIC)
        assert flush(hooks)
        assert after.metrics == [METRIC] * 3
        found = status(hooks, "hanging")
        assert (found.calls, found.dropped, found.switched_off != "") == (0, 2, True)
        hanging.release.set()  # its late return is not counted
        hooks.dispatch("on_metric_created", METRIC)
        assert flush(hooks)
        assert status(hooks, "hanging").calls == 0

    def test_dispatch_and_watchdog_detect_a_plugin_that_hangs(self, hooks: Hooks) -> None:
        hanging = Blocking()
        add(hooks, hanging=hanging)
        hooks.dispatch("on_metric_created", METRIC)
        assert hanging.entered.wait(10)
        assert hooks._dispatcher
        hooks._dispatcher.check()
        assert status(hooks, "hanging").switched_off == ""
        threading.Event().wait(0.06)
        hooks.dispatch("on_metric_created", METRIC)
        assert status(hooks, "hanging").switched_off
        hanging.release.set()

    def test_flush_returns_at_its_deadline(self, hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(dispatcher, "HOOK_TIMEOUT_SECONDS", 60.0)
        hanging = Blocking()
        add(hooks, hanging=hanging)
        hooks.dispatch("on_metric_created", METRIC)
        started = monotonic()
        assert not flush(hooks, 0.15)
        assert monotonic() - started < 1
        hanging.release.set()
        assert flush(hooks)


def test_full_queue_drops_calls_without_blocking_the_caller(hooks: Hooks) -> None:
    blocking = Blocking()
    add(hooks, blocking=blocking)
    hooks.dispatch("on_metric_created", METRIC)
    assert blocking.entered.wait(10)
    started = monotonic()
    for _ in range(dispatcher.CAPACITY + 25):
        hooks.dispatch("on_metric_created", METRIC)
    assert monotonic() - started < 0.9
    assert status(hooks, "blocking").dropped == 25
    assert "missed 25 entities: the queue was full" in hooks.notices()[0].message
    blocking.release.set()
    assert flush(hooks)
    assert status(hooks, "blocking").calls == dispatcher.CAPACITY + 1


def test_metric_recorded_in_a_hook_calls_no_hook() -> None:
    service, flushed = FlextMetricsService(), list[bool]()

    def record(_: object) -> None:
        service.record_metric("plugin.own", 1, metric_type="counter").unwrap()
        flushed.append(flush(plugin_hooks()))

    recording = Recording()
    add(plugin_hooks(), reentrant=Calling(record), recording=recording)
    try:
        service.record_metric("plugin.first", 1, metric_type="counter").unwrap()
        assert flush(plugin_hooks())
        found = status(plugin_hooks(), "reentrant")
    finally:
        plugin_hooks().remove("reentrant")
        plugin_hooks().remove("recording")
    assert (found.calls, found.failures, found.reentrant_calls) == (1, 0, 1)
    assert [metric.name for metric in recording.metrics] == ["plugin.first"]
    assert flushed == [True]
    assert "plugin.own" in service.export_prometheus_format().unwrap()


def test_entities_of_many_threads_are_counted_exactly(hooks: Hooks) -> None:
    recording = Recording()
    add(hooks, recording=recording)

    def work() -> None:
        for _ in range(100):
            hooks.dispatch("on_metric_created", METRIC)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert flush(hooks)
    found = status(hooks, "recording")
    assert found.calls + found.dropped == 800
    assert len(recording.metrics) == found.calls


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_forked_child_keeps_the_plugins_with_new_counts() -> None:
    from tests.programs import run

    done = run("""
        import os, time
        from flext_observability import FlextMetricsService, FlextObservabilityPlugin, register_plugin
        from flext_observability.extensions.plugins.hooks import plugin_hooks
        class Audit(FlextObservabilityPlugin):
            def on_metric_created(self, metric): pass
        register_plugin("audit", Audit()).unwrap()
        service = FlextMetricsService()
        def record(count):
            for _ in range(count):
                service.record_metric("forked", 1).unwrap()
            assert plugin_hooks().flush(time.monotonic() + 10)
            print(plugin_hooks().status()[0].calls, flush=True)
        record(3)
        child = os.fork()
        if child == 0:
            record(2)
            os._exit(0)
        os.waitpid(child, 0)
        record(1)
    """)
    assert (done.code, done.lines) == (0, ["3", "2", "4"]), done.err
