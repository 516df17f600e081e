"""Calls at any time, from many threads, or with a raising log handler: every call returns without an exception."""

from __future__ import annotations

import json
import threading

from flext_observability import init_observability
from tests.backends.collector import Answer, collector
from tests.integration.bad_input import record
from tests.programs import run

ANY_TIME = """
import json, logging
import flext_observability as flext
from opentelemetry import trace

def use(label):
    with flext.traced("span", order=1) as span:
        recording = span.is_recording()
        trace.get_tracer("t").start_span("raw").end()
        logging.getLogger("app").warning("line")

    @flext.flext_monitor_function
    def monitored():
        return 5

    assert monitored() == 5
    created = [
        flext.flext_create_metric("m", 1, "count", {"a": 1}, "counter"),
        flext.flext_create_trace("op", "service"),
        flext.flext_create_alert("full", "error", "disk"),
        flext.flext_create_health_check("disk"),
        flext.flext_create_log_entry("info", "hello"),
    ]
    assert all(result.success for result in created), created
    assert flext.flext_set_correlation_id("one").success
    assert flext.flext_get_correlation_id() == "one"
    flext.extract_context(flext.inject_context({}))
    return [label, recording, [flext.get_observability().code, flext.flush_observability(1).code]]

rows = [use("before")]
flext.init_observability(exporters="memory", console=False)
rows.append(use("during"))
report = flext.shutdown_observability()
again = flext.shutdown_observability()
rows.append(use("after"))
flext.init_observability(exporters="memory", console=False)
rows.append(use("again"))
print(json.dumps([rows, report.unwrap().dropped, again.code, again.error]))
"""


def test_functions_work_before_and_after_each_start_and_shutdown() -> None:
    done = run(ANY_TIME)
    assert done.code == 0, done.err
    rows, dropped, code, error = json.loads(done.out)
    off, on = [False, ["not_started", "not_started"]], [True, [None, None]]
    assert [each[1:] for each in rows] == [off, on, off, on]
    assert (dropped, code) == ({}, "not_started")
    assert "init_observability()" in error


def test_a_raising_log_handler_loses_only_log_lines() -> None:
    with collector() as received:
        program = f"""
            import logging
            class Raising(logging.Handler):
                def emit(self, record):
                    raise RuntimeError("broken handler")
            logging.getLogger("flext_observability").addHandler(Raising())
            from opentelemetry import trace
            from flext_observability import init_observability, shutdown_observability
            handle = init_observability(
                service_name="s", console=False, exporters={{"traces": ["otlp"]}}, propagators=["smoke"],
                otlp_endpoint={received.url!r}, otlp_timeout_seconds=1, traces_schedule_delay_seconds=0.1,
            ).unwrap()
            for name in ("rejected", "accepted"):
                trace.get_tracer("t").start_span(name).end()
                handle.flush(5)
            print(shutdown_observability().unwrap().dropped)
        """
        received.answers.append(Answer(400))
        done = run(program)
    assert done.code == 0, done.err
    assert done.out == "{'rejected': 1}\n"
    assert [span.name for span in received.spans()] == ["accepted"]


def test_concurrent_starts_flushes_and_shutdowns_leave_one_session() -> None:
    stop = threading.Event()
    errors: list[BaseException] = []

    def churn(turn: int) -> None:
        try:
            while not stop.is_set():
                handle = init_observability(service_name=f"s{turn}", exporters="memory", console=False).unwrap()
                record()
                assert handle.flush(5).success
                if turn % 2:
                    assert handle.shutdown(1).success
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=churn, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    stop.wait(0.7)
    stop.set()
    for thread in threads:
        thread.join(20)
    assert errors == []
    assert not [thread.name for thread in threads if thread.is_alive()]
