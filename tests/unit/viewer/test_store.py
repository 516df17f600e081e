from __future__ import annotations

from flext_observability.viewer.store import ServiceSummary, Store, StoreLimits
from tests.unit.views.shop import TRACE, at, checkout, counter, log, span


def trace_id(number: int) -> str:
    return f"{number:032x}"


def test_a_trace_is_stored() -> None:
    store = Store()
    store.add(spans=checkout().spans[2:])
    store.add(logs=checkout().logs, spans=checkout().spans[:2])
    trace = store.trace(TRACE)
    assert trace is not None
    assert {span.name for span in trace.spans} == {span.name for span in checkout().spans}
    assert trace.logs == checkout().logs
    assert store.trace("0" * 32) is None


def test_a_trace_has_a_summary() -> None:
    store = Store()
    store.add(spans=checkout().spans, logs=checkout().logs)
    (summary,) = store.traces()
    assert (summary.trace_id, summary.name, summary.service) == (TRACE, "POST /checkout", "gateway")
    assert summary.services == ("gateway", "inventory", "orders", "payments")
    assert (summary.start_ns, summary.duration_ns) == (at(0), 142_000_000)
    assert (summary.spans, summary.errors, summary.logs, summary.complete) == (5, 2, 2, True)
    assert summary.version == store.version == 1


def test_a_trace_without_its_root_or_a_parent_is_not_complete() -> None:
    store = Store()
    store.add(spans=[span(2, 1)])
    assert store.traces()[0].complete is False
    store.add(spans=[span(1), span(4, 3)])
    assert (store.traces()[0].name, store.traces()[0].complete) == ("step 1", False)
    store.add(spans=[span(3, 1)])
    assert store.traces()[0].complete is True


def test_a_duplicate_span_is_stored_once() -> None:
    store = Store(StoreLimits(max_bytes=20_000))
    for _ in range(100):
        store.add(spans=[span(1)])
    assert store.traces()[0].spans == 1
    assert store.summary().received["spans"] == 100


def test_traces_are_sorted_and_filtered() -> None:
    store = Store()
    store.add(spans=[span(1, trace_id=trace_id(n), start=n, service=f"s{n % 2}") for n in range(1, 5)])
    assert [int(trace.trace_id, 16) for trace in store.traces()] == [4, 3, 2, 1]
    assert [int(trace.trace_id, 16) for trace in store.traces(service="s0", limit=1)] == [4]


def test_the_oldest_traces_are_evicted_by_number_and_weight() -> None:
    store = Store(StoreLimits(max_traces=2))
    store.add(spans=[span(1, trace_id=trace_id(n)) for n in (1, 2, 3)])
    assert store.trace(trace_id(1)) is None
    assert store.summary().evicted["traces"] == 1
    small = Store(StoreLimits(max_bytes=10_000))
    small.add(spans=[span(n, trace_id=trace_id(n), attributes={"a": "x" * 3000}) for n in range(1, 9)])
    assert small.summary().traces == 2


def test_spans_of_one_trace_are_limited() -> None:
    store = Store(StoreLimits(max_spans_per_trace=2))
    store.add(spans=[span(n) for n in (1, 2, 3, 4, 1)])
    trace = store.trace(TRACE)
    assert trace is not None
    assert (len(trace.spans), trace.hidden_spans) == (2, 2)
    assert (store.traces()[0].spans, store.summary().evicted["spans"]) == (4, 2)


def test_log_records_are_filtered_by_trace_and_service() -> None:
    store = Store()
    store.add(logs=[log("a", 1), log("b", 1, service="orders"), log("c"), log("d", 1, trace_id=trace_id(9))])
    assert [record.body for record in store.logs()] == ["a", "b", "c", "d"]
    assert [record.body for record in store.logs(limit=2)] == ["c", "d"]
    assert [record.body for record in store.logs(trace_id=TRACE)] == ["a", "b"]
    assert [record.body for record in store.logs(trace_id=TRACE, service="orders")] == ["b"]
    assert [record.body for record in store.logs(limit=0)] == []
    only_logs = store.trace(trace_id(9))
    assert only_logs is not None
    assert (only_logs.spans, len(only_logs.logs)) == ((), 1)


def test_the_oldest_log_records_are_evicted() -> None:
    store = Store(StoreLimits(max_logs=3))
    store.add(logs=[log("a", 1), log("b"), log("c", 1), log("d", 1), log("e")])
    assert [record.body for record in store.logs()] == ["c", "d", "e"]
    assert [record.body for record in store.logs(trace_id=TRACE)] == ["c", "d"]
    store.add(logs=[log("f"), log("g")])
    assert store.logs(trace_id=TRACE) == []
    assert store.summary().evicted["logs"] == 4
    small = Store(StoreLimits(max_bytes=10_000))
    small.add(logs=[log("x" * 4000) for _ in range(9)])
    assert len(small.logs()) == 2


def test_the_latest_point_of_each_series_is_stored() -> None:
    store = Store(StoreLimits(max_series=2))
    store.add(metrics=[counter(1, {"a": 1}, time_ns=1), counter(5, {"a": 1}, time_ns=2), counter(9, {"a": 2})])
    assert [point.value for point in store.metrics()] == [5, 9]
    store.add(metrics=[counter(1, name="other", service="gateway")])
    assert [(point.service, point.name) for point in store.metrics()] == [
        ("gateway", "other"),
        ("orders", "shop.orders"),
    ]
    assert [point.value for point in store.metrics(name="shop.orders")] == [9]
    assert [point.value for point in store.metrics(service="gateway")] == [1]
    assert store.summary().evicted["series"] == 1


def test_delta_points_add_up() -> None:
    store = Store()
    for _ in range(3):
        store.add(metrics=[counter(2, cumulative=False)])
    assert [point.value for point in store.metrics()] == [6]


def test_services_and_totals_are_counted() -> None:
    store = Store()
    store.add(spans=checkout().spans, logs=checkout().logs, metrics=[counter(1)])
    assert store.services() == [
        ServiceSummary("gateway", 2, 1, 0),
        ServiceSummary("inventory", 1, 0, 0),
        ServiceSummary("orders", 1, 0, 1),
        ServiceSummary("payments", 1, 1, 0),
    ]
    summary = store.summary()
    assert (summary.traces, summary.spans, summary.logs, summary.series) == (1, 5, 2, 1)
    assert summary.received == {"spans": 5, "logs": 2, "points": 1}
    assert summary.evicted == {"traces": 0, "spans": 0, "logs": 0, "series": 0}


def test_each_change_increases_the_version() -> None:
    store = Store()
    assert store.version == 0
    store.add(spans=[span(1)])
    assert store.version == 1
    store.add()
    assert store.version == 1
