"""Bound handles of OpenTelemetry's instruments: the same objects through starts, a fork and a shutdown."""

from __future__ import annotations

import pytest

from tests.programs import run

BEGIN = """
from opentelemetry import metrics
from flext_observability import init_observability, shutdown_observability
from flext_observability.exporters.memory import memory_store

counter = metrics.get_meter("shop").create_counter("sold")
counter.add(100)
init_observability(service_name="a", exporters="memory", console=False).unwrap()
handle = metrics.get_meter("shop").create_counter("sold").bind({"item": "tea"})

def totals(observability):
    observability.flush().unwrap()
    metric = memory_store().metric("sold")
    return [] if metric is None else [point.value for point in metric.data.data_points]
"""


def test_a_handle_follows_a_second_start_and_discards_after_the_shutdown() -> None:
    done = run(
        BEGIN
        + """
handle.add(1)
second = init_observability(service_name="b", exporters="memory", console=False).unwrap()
memory_store().clear()
handle.add(2)
print(totals(second))
shutdown_observability()
handle.add(3)
memory_store().clear()
third = init_observability(service_name="b", exporters="memory", console=False).unwrap()
handle.add(4)
print(totals(third)[-1] in (4, 6, 7, 9))
"""
    )
    assert done.lines == ["[2]", "True"], done.err


def test_a_forked_child_starts_from_zero_behind_the_same_handle() -> None:
    done = run(
        BEGIN
        + """
import os
for _ in range(1000):
    handle.add(1)
child = os.fork()
if child == 0:
    handle.add(5)
    memory_store().clear()
    print(totals(init_observability(service_name="a", exporters="memory", console=False).unwrap()), flush=True)
    os._exit(0)
os.waitpid(child, 0)
handle.add(1)
print(totals(init_observability(service_name="a", exporters="memory", console=False).unwrap()))
"""
    )
    assert done.lines == ["[5]", "[1001]"], done.err


def test_a_handle_works_with_the_engine_off() -> None:
    done = run(
        BEGIN
        + """
handle.add(1)
print(totals(init_observability(service_name="a", exporters="memory", console=False).unwrap()))
""",
        60,
        FLEXT_OBSERVABILITY_ENGINE="sdk",
    )
    assert done.lines == ["[1]"], done.err


@pytest.mark.lean_engine
def test_too_many_attribute_sets_are_named_in_the_status() -> None:
    done = run(
        BEGIN
        + """
import resource
for number in range(20_000):
    counter.add(1, {"user": number})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for number in range(20_000, 200_000):
    counter.add(1, {"user": number})
observability = init_observability(service_name="a", exporters="memory", console=False).unwrap()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4000)
print(len(totals(observability)), sum(totals(observability)))
print([notice.message[:88] for notice in observability.status()["metrics"].notices])
"""
    )
    message = "The instrument sold has 2000 series, its limit: the attribute user has 1999 values or mo"
    assert done.lines == ["True", "2000 200000", str([message])], done.err
