"""A back end that is away costs no item: the queue of its exporter is on disk, and the other signals continue."""

from __future__ import annotations

import time

import pytest

from monitoring.native.parts import JAEGER, PROMETHEUS, VICTORIALOGS, Part
from tests.stack.faults.conftest import Measure
from tests.stack.faults.load import ITEMS_PER_SECOND
from tests.stack.faults.measuring import load
from tests.stack.faults.own_stack import OwnStack

pytestmark = pytest.mark.stack

OUTAGE_SECONDS = 5.0


@pytest.mark.parametrize("part", [JAEGER, PROMETHEUS, VICTORIALOGS], ids=lambda part: str(part.name))
def test_nothing_is_lost_while_a_back_end_is_away(own_stack: OwnStack, measure: Measure, part: Part) -> None:
    with load(own_stack.endpoint) as running:
        time.sleep(1.5)  # load before the outage
        own_stack.away([part], OUTAGE_SECONDS)
        time.sleep(1.0)  # load after the outage
        counts = measure(f"{part.name} stopped, {OUTAGE_SECONDS:.0f} s", running)
    assert [count.lost for count in counts] == [0, 0, 0]


def test_a_kill_of_all_back_ends_costs_the_newest_logs_only(own_stack: OwnStack, measure: Measure) -> None:
    """VictoriaLogs acknowledges records some seconds before they are on disk (`-inmemoryDataFlushInterval=1s`)."""
    with load(own_stack.endpoint) as running:
        time.sleep(6.0)  # load before the outage
        own_stack.away([JAEGER, PROMETHEUS, VICTORIALOGS], 3.0, kill=True)
        time.sleep(1.0)  # load after the outage
        spans, records, counter = measure("jaeger, prometheus, victorialogs kill -9, 3 s", running, 4.0)
    assert (spans.lost, counter.lost) == (0, 0)
    assert records.lost <= 5 * ITEMS_PER_SECOND
