"""Items of the memory exporter."""

from __future__ import annotations

from functools import partial

from opentelemetry.metrics import Meter

from flext_observability.domain.report import SIGNALS
from flext_observability.exporters.memory import MAX_ITEMS, MemoryFactory, MemoryStore, factory, memory_store
from flext_observability.settings.config import with_defaults
from tests.backends.telemetry import make_logs, make_metrics, make_spans

CONFIG = with_defaults({})


def test_all_signals_share_a_store() -> None:
    made = MemoryFactory()
    assert tuple(made.signals()) == SIGNALS
    spans, logs = make_spans(2), make_logs(1)
    data = make_metrics(lambda meter: [meter.create_counter("sold").add(1, {"table": table}) for table in range(3)])
    assert made.create("traces", CONFIG).export(spans, 1).accepted == 2
    assert made.create("logs", CONFIG).export(logs, 1).accepted == 1
    assert made.create("metrics", CONFIG).export([data], 1).accepted == 3
    assert (made.store.spans, made.store.logs, made.store.metrics) == (tuple(spans), tuple(logs), (data,))


def _sell(amount: int, meter: Meter) -> None:
    meter.create_counter("sold").add(amount)


def test_newest_state_of_a_metric() -> None:
    store = MemoryStore()
    for amount in (1, 5):
        record = partial(_sell, amount)
        store.add("metrics", [make_metrics(record)])
    metric = store.metric("sold")
    assert metric is not None
    assert getattr(metric.data.data_points[0], "value", None) == 5
    assert store.metric("unknown") is None


def test_oldest_items_are_removed_first() -> None:
    store = MemoryStore()
    store.add("traces", list(range(MAX_ITEMS + 2)))
    kept: tuple[object, ...] = store.spans
    assert (len(kept), kept[0]) == (MAX_ITEMS, 2)


def test_items_outlive_the_exporter() -> None:
    made = MemoryFactory(MemoryStore())
    exporter = made.create("traces", CONFIG)
    exporter.export(make_spans(1), 1)
    exporter.close()
    assert len(made.store.spans) == 1
    made.store.clear()
    assert not made.store.spans


def test_memory_exporter_has_one_store_per_process() -> None:
    assert memory_store() is factory.store
