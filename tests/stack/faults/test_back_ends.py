"""A back end that is away costs no item: the queue of its exporter is on disk, and the other signals continue."""

from __future__ import annotations

import time

import pytest

from monitoring.native.parts import JAEGER, PROMETHEUS, VICTORIALOGS, Part
from tests.stack.faults.conftest import Measure
from tests.stack.faults.measuring import load
from tests.stack.faults.own_stack import OwnStack

pytestmark = pytest.mark.stack

OUTAGE_SECONDS = 8.0


@pytest.mark.parametrize("part", [JAEGER, PROMETHEUS, VICTORIALOGS], ids=lambda part: str(part.name))
def test_nothing_is_lost_while_a_back_end_is_away(own_stack: OwnStack, measure: Measure, part: Part) -> None:
    with load(own_stack.endpoint) as running:
        time.sleep(2.0)  # load before the outage
        own_stack.away([part], OUTAGE_SECONDS)
        time.sleep(1.0)  # load after the outage
        counts = measure(f"{part.name} stopped, {OUTAGE_SECONDS:.0f} s", running)
    assert [count.lost for count in counts] == [0, 0, 0]
