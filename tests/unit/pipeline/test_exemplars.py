"""The newest measurement of each bucket, with the span it was made in."""

from __future__ import annotations

import threading

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from flext_observability.pipeline.exemplars import LatestPerBucketReservoir


def inside(span_id: int) -> Context:
    return set_span_in_context(NonRecordingSpan(SpanContext(7, span_id, is_remote=False, trace_flags=TraceFlags(1))))


def test_the_latest_of_each_bucket_is_returned_in_bucket_order() -> None:
    kept = LatestPerBucketReservoir(boundaries=[1, 2])
    for span_id, value in enumerate((5.0, 0.5, 1.0, 1.5), start=1):
        kept.offer(value, span_id * 10, {"point": "x", "more": value}, inside(span_id))
    exemplars = kept.collect({"point": "x"})
    assert [(each.value, each.span_id, each.trace_id, each.time_unix_nano) for each in exemplars] == [
        (1.0, 3, 7, 30),
        (1.5, 4, 7, 40),
        (5.0, 1, 7, 10),
    ]
    assert [each.filtered_attributes for each in exemplars] == [{"more": 1.0}, {"more": 1.5}, {"more": 5.0}]


def test_collecting_removes_the_exemplars() -> None:
    kept = LatestPerBucketReservoir(boundaries=[1])
    kept.offer(1, 1, None, inside(1))
    assert len(kept.collect(None)) == 1
    assert kept.collect(None) == []


def test_outside_a_span_there_are_no_ids() -> None:
    kept = LatestPerBucketReservoir(boundaries=[])
    kept.offer(1, 1, {}, Context())
    (exemplar,) = kept.collect({})
    assert (exemplar.span_id, exemplar.trace_id) == (None, None)


def test_threads_may_offer_during_a_collection() -> None:
    kept = LatestPerBucketReservoir(boundaries=range(100))
    over = threading.Event()

    def offer() -> None:
        while not over.is_set():
            for value in range(100):
                kept.offer(value, 1, {}, inside(1))

    threads = [threading.Thread(target=offer) for _ in range(3)]
    for thread in threads:
        thread.start()
    sizes = [len(kept.collect({})) for _ in range(200)]
    over.set()
    for thread in threads:
        thread.join()
    assert 0 < max(sizes) <= 100
