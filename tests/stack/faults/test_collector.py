"""The collector stops, is killed, or has no space: what it has accepted arrives, the rest waits in the application."""

from __future__ import annotations

import time

import pytest

from monitoring.native.parts import COLLECTOR, JAEGER, PROMETHEUS, VICTORIALOGS
from tests.stack.faults.conftest import Measure
from tests.stack.faults.measuring import load
from tests.stack.faults.own_stack import OwnStack

pytestmark = pytest.mark.stack

WITHIN_THE_QUEUE = ("--traces-per-second", "20")
"""200 items a second: the application keeps 2048 of each signal while the collector is away."""

BACK_ENDS = (JAEGER, PROMETHEUS, VICTORIALOGS)


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_nothing_is_lost_while_the_collector_is_away(own_stack: OwnStack, measure: Measure, kill: bool) -> None:
    with load(own_stack.endpoint, *WITHIN_THE_QUEUE) as running:
        time.sleep(2.0)  # load before the outage
        own_stack.away([COLLECTOR], 5.0, kill=kill)
        time.sleep(1.0)  # load after the outage
        counts = measure(f"collector {'kill -9' if kill else 'stopped'}, 5 s", running)
    assert [count.lost for count in counts] == [0, 0, 0]


def test_the_disk_queue_survives_a_kill(own_stack: OwnStack, measure: Measure) -> None:
    own_stack.stop(*BACK_ENDS)
    with load(own_stack.endpoint) as running:
        time.sleep(4.0)  # into the queue on disk
        queued = own_stack.collector_counter("otelcol_exporter_queue_size", exporter="otlp_grpc/jaeger")
        own_stack.kill(COLLECTOR)
        own_stack.start(COLLECTOR)
        time.sleep(1.0)
        own_stack.start(*BACK_ENDS)
        counts = measure("collector kill -9 with a queue on disk", running)
    assert queued > 200
    assert [count.lost for count in counts] == [0, 0, 0]
