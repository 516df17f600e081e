"""Eight threads record; the collector receives every measurement and every log record exactly once."""

from __future__ import annotations

from collections import Counter

from tests.backends.collector import Collector
from tests.programs import UNMEASURED, run

THREADS, RECORDS = 8, 10_000
PROGRAM = f"""
import threading
from flext_observability import flext_create_log_entry, init_observability

queue = {{"logs_max_queue_size": 100_000, "logs_max_export_batch_size": 5000}}
handle = init_observability(service_name="totals", console=False, traces_enabled=False, **queue).unwrap()
jobs = handle.metrics.counter("jobs", "count")

def work(number):
    thread = jobs.bind(thread=number)
    for turn in range({RECORDS}):
        jobs.add(1)
        thread.add(2)
        flext_create_log_entry("info", "done", {{"thread": number, "turn": turn}})

threads = [threading.Thread(target=work, args=(number,)) for number in range({THREADS})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
report = handle.shutdown(60).unwrap()
print(report.complete, report.dropped)
"""


def test_every_record_of_every_thread_arrives_once(received: Collector) -> None:
    done = run(PROGRAM, 120, OTEL_EXPORTER_OTLP_ENDPOINT=received.url, **UNMEASURED)
    assert (done.code, done.lines) == (0, ["True {}"]), done.err
    points: dict[int | None, float] = {
        (point.attributes[0].value.int_value if point.attributes else None): point.as_int or point.as_double
        for metric in received.metrics()
        if metric.name == "jobs"
        for point in metric.sum.data_points
    }
    by_thread = [points.pop(number) for number in range(THREADS)]
    assert (points, set(by_thread)) == ({None: THREADS * RECORDS}, {2 * RECORDS})
    seen = Counter(
        tuple(sorted((each.key, each.value.int_value) for each in record.attributes if each.key in {"thread", "turn"}))
        for record in received.log_records()
    )
    assert len(seen) == THREADS * RECORDS
    assert set(seen.values()) == {1}
