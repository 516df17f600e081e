"""The overlays of the collector, run by the real one: sampled traces in Jaeger, all signals at a vendor."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from monitoring.native.places import Places
from tests.backends.collector import Answer, Collector as Vendor, collector as vendor_receiver
from tests.stack.clients import Collector, Jaeger, Prometheus, VictoriaLogs, eventually
from tests.stack.otlp import ERROR, SERVER, SentSpan, send_counter, send_log, send_spans
from tests.stack.own_collector import own_collector

pytestmark = pytest.mark.stack

SAMPLING = {"COLLECTOR_OVERLAYS": "tail-sampling", "TAIL_SAMPLING_WAIT": "2s", "TAIL_SAMPLING_SLOW_MS": "500"}
GOOD, FAILED, SLOW = 400, 30, 20
KEY = "test-key"


@pytest.fixture
def service() -> str:
    return f"overlay-{uuid4().hex[:8]}"


def send_traces(collector: Collector, service: str) -> dict[str, set[str]]:
    """Send traces of two spans each: good ones, ones with an error in the inner span, and slow ones."""
    kinds = {"good": GOOD, "failed": FAILED, "slow": SLOW}
    sent: dict[str, set[str]] = {}
    for kind, count in kinds.items():
        outer = [SentSpan("outer", kind=SERVER, duration_seconds=0.8 if kind == "slow" else 0.01) for _ in range(count)]
        status = {"code": ERROR} if kind == "failed" else {}
        inner = [SentSpan("inner", status=status, trace_id=one.trace_id, parent_id=one.span_id) for one in outer]
        send_spans(collector, service, outer)
        send_spans(collector, service, inner)
        sent[kind] = {one.trace_id for one in outer}
    return sent


def test_tail_sampling_keeps_errors_slow_traces_and_a_share(
    stack: Places, jaeger: Jaeger, prometheus: Prometheus, tmp_path: Path, service: str
) -> None:
    calls = f'sum(traces_span_metrics_calls_total{{service_name="{service}"}})'
    with own_collector(stack, tmp_path, SAMPLING) as sampler:
        sent = send_traces(sampler, service)
        # A span that arrives after the decision follows it.
        failed = next(iter(sent["failed"]))
        eventually(lambda: jaeger.trace(failed))
        send_spans(sampler, service, [SentSpan("late", trace_id=failed)])
        assert eventually(lambda: len(jaeger.trace(failed)) == 3)
        stored = jaeger.traces(service, limit=1000)
        total = 2 * (GOOD + FAILED + SLOW) + 1
        assert eventually(lambda: prometheus.value(calls) == total)
    assert set(stored) >= sent["failed"] | sent["slow"]
    # 10 % of 400: six standard deviations are 36.
    assert 4 <= len(set(stored) & sent["good"]) <= 76
    assert all(len(spans) == 2 for trace_id, spans in stored.items() if trace_id != failed)


def test_a_vendor_receives_what_storage_receives(
    stack: Places, jaeger: Jaeger, prometheus: Prometheus, victorialogs: VictoriaLogs, tmp_path: Path, service: str
) -> None:
    with (
        vendor_receiver() as vendor,
        own_collector(stack, tmp_path, vendor_settings(vendor, "vendor")) as collector,
    ):
        spans = [SentSpan(f"span {number}", {"password": "hunter2", "number": number}) for number in range(50)]
        send_spans(collector, service, spans)
        send_log(collector, service, "paid", {"authorization": "hunter2"}, spans[0].trace_id)
        send_counter(collector, service, "overlay.orders", {"route": "/cart"}, {})
        vendor.wait_for(lambda one: len(one.spans()) >= 50 and one.log_records() and orders(one), 30.0)
        assert len(eventually(lambda: jaeger.trace(spans[-1].trace_id))) == 1
        assert len(eventually(lambda: victorialogs.by_trace(spans[0].trace_id))) == 1
        assert eventually(lambda: prometheus.value(f'overlay_orders_total{{service_name="{service}"}}')) == 1
    assert sorted(span.span_id.hex() for span in vendor.spans()) == sorted(span.span_id for span in spans)
    assert [record.body.string_value for record in vendor.log_records()] == ["paid"]
    assert b"hunter2" not in b"".join(one.message.SerializeToString() for one in vendor.requests)
    for request in vendor.requests:
        assert (request.headers["api-key"], request.headers["x-tenant"]) == (KEY, "shop")
        assert request.headers["content-encoding"] == "gzip"


def test_both_overlays_send_the_same_sampled_traces_to_jaeger_and_the_vendor(
    stack: Places, jaeger: Jaeger, tmp_path: Path, service: str
) -> None:
    with (
        vendor_receiver() as vendor,
        own_collector(stack, tmp_path, SAMPLING | vendor_settings(vendor, "vendor tail-sampling")) as collector,
    ):
        sent = send_traces(collector, service)
        vendor.wait_for(lambda one: ids(one) >= sent["failed"] | sent["slow"], 30.0)
        assert eventually(lambda: set(jaeger.traces(service, limit=1000)) == ids(vendor))
    assert 4 <= len(ids(vendor) & sent["good"]) <= 76


def test_a_dead_vendor_with_a_full_queue_costs_nothing_else(
    stack: Places, jaeger: Jaeger, victorialogs: VictoriaLogs, tmp_path: Path, service: str
) -> None:
    with vendor_receiver() as vendor:
        vendor.standing = Answer(503)
        settings = vendor_settings(vendor, "vendor") | {"OTLP_VENDOR_QUEUE_SIZE": "20"}
        with own_collector(stack, tmp_path, settings) as collector:
            spans = [SentSpan("span") for _ in range(100)]
            for span in spans:
                send_spans(collector, service, [span])
                send_log(collector, service, "paid", {}, span.trace_id)
            assert eventually(lambda: len(jaeger.traces(service, limit=1000)) == 100)
            stored = eventually(lambda: records(victorialogs, service, 100))
            lost = [f"otelcol_exporter_enqueue_failed_{name}" for name in ("spans", "log_records")]
            counted = [collector.counter(name, exporter="otlp_http/vendor") for name in lost]
            assert collector.counter("otelcol_receiver_refused_spans") == 0
            vendor.standing = Answer(200)
            vendor.wait_for(lambda one: len(one.spans()) + counted[0] == 100, 40.0)
    assert stored == 100
    assert all(count > 0 for count in counted)


def vendor_settings(vendor: Vendor, overlays: str) -> dict[str, str]:
    headers = f"{{api-key: {KEY}, x-tenant: shop}}"
    return {"COLLECTOR_OVERLAYS": overlays, "OTLP_VENDOR_ENDPOINT": vendor.url, "OTLP_VENDOR_HEADERS": headers}


def ids(vendor: Vendor) -> set[str]:
    return {span.trace_id.hex() for span in vendor.spans()}


def orders(vendor: Vendor) -> list[str]:
    return [metric.name for metric in vendor.metrics() if metric.name == "overlay.orders"]


def records(victorialogs: VictoriaLogs, service: str, expected: int) -> int:
    found = len(victorialogs.query(f'{{service.name="{service}"}}'))
    return found if found >= expected else 0
