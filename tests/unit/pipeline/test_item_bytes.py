"""item_bytes: the estimate is near the size of the texts of any span or record, and never raises."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, get_logger

from flext_observability.exporters.memory import memory_store
from flext_observability.pipeline.item_bytes import ITEM_BYTES, item_bytes, values_bytes
from tests.recorded import recording

TEXT = "x" * 100_000


@pytest.mark.parametrize("engine", ["lean", "sdk"])
def test_texts_of_spans_and_records_are_counted(engine: str) -> None:
    with recording(engine=engine) as recorded:
        with trace.get_tracer("t").start_as_current_span("attribute") as span:
            span.set_attribute("a", TEXT)
            span.set_attribute("b", (TEXT, TEXT))
        with trace.get_tracer("t").start_as_current_span("event") as span:
            span.add_event("e", {"a": TEXT, "b": TEXT})
            span.add_link(span.get_span_context(), {"a": TEXT})
        get_logger("t").emit(LogRecord(body={"a": [TEXT, {"b": TEXT}]}, attributes={"c": TEXT}))
        assert recorded.handle.flush(10).unwrap().complete
        assert [item_bytes(item) // 100_000 for item in memory_store().spans] == [3, 3]
        assert [item_bytes(item) // 100_000 for item in memory_store().logs] == [3]


def test_a_standard_record_holds_its_arguments_and_its_text() -> None:
    with recording() as recorded:
        logging.getLogger("t").warning("%s %s", TEXT, TEXT)
        assert recorded.handle.flush(10).unwrap().complete
        (item,) = memory_store().logs
        assert item_bytes(item) // 100_000 in {2, 4}  # 4 once the text is made of the arguments
        assert item.log_record.body
        assert item_bytes(item) // 100_000 == (4 if hasattr(item, "held_values") else 2)


class Hostile:
    """An item whose attributes raise."""

    @property
    def log_record(self) -> Any:
        return Record()


class Record:
    """A body that raises."""

    body = MappingProxyType(Hostile.__dict__)

    @property
    def attributes(self) -> Any:
        raise SystemExit


class Raising(Mapping[str, Any]):
    """A mapping that raises."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        raise SystemExit

    def __len__(self) -> int:
        return 1


class Span:
    """A span whose attributes raise."""

    attributes = MappingProxyType(Raising())


@pytest.mark.parametrize("item", [Hostile(), Span(), 1, None])
def test_items_that_raise_have_about_the_size_of_an_empty_one(item: object) -> None:
    assert item_bytes(item) < 3 * ITEM_BYTES


def test_shared_values_end() -> None:
    value: Any = [TEXT] * 10
    for _ in range(12):
        value = [value] * 10
    assert values_bytes([value]) <= 10_000 * 100_100
