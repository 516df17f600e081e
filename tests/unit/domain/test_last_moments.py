"""Threads that make entities to the very end do not crash the process."""

from __future__ import annotations

import pytest

from tests.programs import UNMEASURED, run

EACH_VERB = [
    'flext_create_metric("made", 1, "count")',
    'flext_create_trace("op", "shop")',
    'flext_create_alert("full", "info", "disk")',
    'flext_create_health_check("disk")',
    'flext_create_log_entry("info", "line")',
    'FlextMetric(name="made", value=1, tags={"number": 1})',
    'repository.find_metrics_by_name("kept").unwrap()[0]',
]


@pytest.mark.parametrize("verb", EACH_VERB)
def test_daemon_threads_that_make_entities_do_not_crash_the_process(verb: str) -> None:
    done = run(
        f"""
        import logging, threading
        from flext_observability import *

        logging.lastResort = None
        repository = FlextObservabilityRepository(SQLiteStorage(":memory:"))
        repository.store_metric(FlextMetric(name="kept", value=1))

        def work():
            while True:
                {verb}
                begun.set()

        begun = threading.Event()
        for _ in range(3):
            threading.Thread(target=work, daemon=True).start()
        begun.wait(20)
        """,
        **UNMEASURED,
    )
    assert (done.code, done.err) == (0, "")


def test_at_the_end_entities_of_threads_are_whole_and_the_main_thread_still_checks_types() -> None:
    done = run("""
        import atexit, threading

        @atexit.register  # called after those that were registered later
        def late():
            def work():
                made.append(flext_create_metric("made", 1, tags={"a": "b"}).unwrap())
                made.append(FlextMetric(name="made", value=2))

            made = []
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            first, second = made
            print(first.name, first.value, first.tags, len(first.id), first.timestamp.tzinfo, first.emitted)
            print(second.value, second.emitted, second.validate_business_rules().success, second.model_copy() == second)
            try:
                print(FlextMetric(name="main", value=1).name)
                FlextMetric(name=5, value=1)
            except ValueError as error:
                print(type(error).__name__)

        from flext_observability import FlextMetric, flext_create_metric
        flext_create_metric("first", 1)
    """)
    assert done.lines == ["made 1 {'a': 'b'} 36 UTC False", "2 False True True", "main", "ValidationError"], done.err


def test_a_thread_that_hangs_amid_the_check_of_a_model_is_not_waited_for() -> None:
    done = run("""
        import atexit, threading, time
        from pydantic import BaseModel, Field

        def hang():
            hangs.set()
            over.wait(30)

        class Slow(BaseModel):
            field: None = Field(default_factory=hang)

        hangs, over = threading.Event(), threading.Event()

        @atexit.register
        def late():
            print(time.monotonic() - ended < 1)
            over.set()
            thread.join()

        from flext_observability import flext_create_metric
        flext_create_metric("first", 1)
        thread = threading.Thread(target=Slow, daemon=True)
        thread.start()
        hangs.wait(5)
        ended = time.monotonic()
    """)
    assert (done.lines, done.code) == (["True"], 0), done.err
