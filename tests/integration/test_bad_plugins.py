"""Programs whose plug-ins hang, raise or call this package: they end in time."""

from __future__ import annotations

import pytest

from tests.backends.collector import Collector
from tests.programs import run

PROGRAM = """
import threading, time
from flext_observability import (
    FlextObservabilityPlugin, flext_create_metric, flush_observability, init_observability, register_plugin,
    shutdown_observability,
)

class Bad(FlextObservabilityPlugin):
    def on_metric_created(self, metric):
        {body}

class Good(FlextObservabilityPlugin):
    order = 1
    calls = 0
    def on_metric_created(self, metric):
        self.calls += 1

good = Good()
register_plugin("bad", Bad()).unwrap()
register_plugin("good", good).unwrap()
handle = init_observability(service_name="plug-ins", console=False).unwrap()
started = time.monotonic()
for number in range(20):
    flext_create_metric("plugin.program", 1, metric_type="counter").unwrap()
print(time.monotonic() - started < 0.5)
report = handle.shutdown().unwrap()
print(good.calls, report.dropped)
"""


@pytest.mark.parametrize(
    "body",
    [
        "threading.Event().wait()",
        "raise SystemExit(3)",
        "flush_observability(5)",
        "shutdown_observability(5)",
        "init_observability(service_name='again', console=False)",
        "flext_create_metric('plugin.again', 1)",
        (  # not a daemon thread: one that creates an entity at exit can crash (docs/troubleshooting.md)
            "metric.name == 'plugin.program' and threading.Thread("
            "target=flext_create_metric, args=('plugin.thread', 1), daemon=False).start()"
        ),
    ],
)
def test_program_ends_in_time_with_all_data(received: Collector, body: str) -> None:
    done = run(PROGRAM.replace("{body}", body), 60, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert done.code == 0, done.err
    assert done.lines[0] == "True"
    assert done.seconds < 8
    totals = [
        point.as_int or point.as_double
        for metric in received.metrics()
        if metric.name == "plugin.program"
        for point in metric.sum.data_points
    ]
    if "init" not in body and "shutdown" not in body:  # these two end the configuration early
        assert totals[-1] == 20
        assert int(done.lines[1].split()[0]) >= 20
