"""Both OTLP protocols with the real stack: the back ends have all items of a program."""

from __future__ import annotations

import pytest

from tests.stack.clients import Collector, Jaeger, Prometheus, VictoriaLogs, eventually
from tests.stack.emitting import emitter

pytestmark = pytest.mark.stack

COUNT = 40


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_each_protocol_delivers_all_three_signals(
    protocol: str, collector: Collector, jaeger: Jaeger, prometheus: Prometheus, victorialogs: VictoriaLogs
) -> None:
    with emitter(collector, protocol) as program:
        trace_id = program.emit(COUNT)
        report = program.end()
    exporter = "otlp_grpc" if protocol == "grpc" else "otlp_http"
    assert report["exported"][f"traces/{exporter}"] == COUNT
    assert report["exported"][f"logs/{exporter}"] == COUNT
    assert (report["queued"], report["dropped"]) == (0, {})

    spans = eventually(lambda: [found for found in [jaeger.trace(trace_id)] if len(found) >= COUNT])[0]
    assert sorted(span.attributes["emitter.number"] for span in spans) == list(range(COUNT))
    assert {span.service for span in spans} == {program.service}
    lines = eventually(lambda: [found for found in [victorialogs.by_trace(trace_id)] if len(found) >= COUNT])[0]
    assert sorted(line.text for line in lines) == sorted(f"Number {number}" for number in range(COUNT))
    total = f'sum(emitter_numbers_total{{service_name="{program.service}"}})'
    assert eventually(lambda: prometheus.value(total)) == COUNT
