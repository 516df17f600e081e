"""Spans, log records and metric points: copies, counts, shared parts."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, StatusCode

from flext_observability.domain.report import SIGNALS
from flext_observability.engine.compat import make_log_record_limits
from flext_observability.engine.span import EngineSpan
from flext_observability.engine.span_options import SpanSink
from flext_observability.engine.tracer import EngineTracerProvider
from flext_observability.pipeline.redaction.redaction import Redaction
from flext_observability.pipeline.redaction.rule_names import DEFAULT_RULES
from flext_observability.pipeline.redaction.spans import RedactedSpan

SECRET = "hunter2"
TEXT = f"token={SECRET}"
OTHER = SpanContext(1, 2, is_remote=False)


@pytest.fixture
def redaction() -> Redaction:
    return Redaction(dict.fromkeys(SIGNALS, DEFAULT_RULES), key="k")


@pytest.fixture(params=["engine", "sdk"])
def tracer(request: pytest.FixtureRequest) -> Iterator[Any]:
    limits = SpanLimits(max_span_attributes=2, max_events=1, max_links=1, max_event_attributes=1, max_link_attributes=1)
    sampler = TracerProvider(shutdown_on_exit=False).sampler
    resource = Resource({"service.name": "x"})
    if request.param == "sdk":
        provider: Any = TracerProvider(resource=resource, span_limits=limits, shutdown_on_exit=False)
    else:
        provider = EngineTracerProvider(resource=resource, sampler=sampler, rule=None, limits=limits, sink=SpanSink())
    yield provider.get_tracer("scope", attributes={"a": "b"})
    provider.shutdown()


def test_a_span_without_secrets_stays_the_object(redaction: Redaction, tracer: Any) -> None:
    plain = tracer.start_span("plain", attributes={"a": "b", "n": 1})
    full = tracer.start_span("full", links=[Link(OTHER, {"a": "b"})])
    full.add_event("e", {"a": "b"})
    full.set_status(StatusCode.ERROR, "failed")
    batch = [plain, full, plain]
    assert redaction.batch("traces", batch) is batch
    assert redaction.report().masked == {}


@pytest.mark.parametrize("part", ["name", "key", "value", "number", "event name", "event", "link", "status", "list"])
def test_a_secret_in_any_part_makes_a_copy(redaction: Redaction, tracer: Any, part: str) -> None:
    span = tracer.start_span(TEXT if part == "name" else "n", attributes={"plain": "x"})
    add: dict[str, Any] = {
        "name": lambda: None,
        "key": lambda: span.set_attribute("password", SECRET),
        "value": lambda: span.set_attribute("q", TEXT),
        "number": lambda: span.set_attribute("n", 4111111111111111),
        "event name": lambda: span.add_event(TEXT),
        "event": lambda: span.add_event("e", {"q": TEXT}),
        "link": lambda: span.add_link(OTHER, {"q": TEXT}),
        "status": lambda: span.set_status(StatusCode.ERROR, TEXT),
        "list": lambda: span.set_attribute("q", ["x", TEXT]),
    }
    add[part]()
    span.end()
    (copy,) = redaction.batch("traces", [span])
    shown = copy.to_json()
    assert type(copy) is RedactedSpan
    assert SECRET not in shown
    assert "4111111111111111" not in shown
    assert shown.count("[redacted:") == 1
    assert (copy.context, copy.kind, copy.start_time, copy.end_time) == (
        *(span.context, span.kind, span.start_time, span.end_time),
    )
    assert (copy.attributes or {})["plain"] == "x"
    assert sum(redaction.report().masked.values()) == 1
    assert span.name == (TEXT if part == "name" else "n")  # the span of the program is not changed


def test_the_numbers_of_dropped_items_stay(redaction: Redaction, tracer: Any) -> None:
    span = tracer.start_span("n", links=[Link(OTHER, {"a": 1, "q": TEXT}), Link(OTHER, {"a": 1, "q": TEXT})])
    for number in range(4):
        span.set_attribute(f"a{number}", TEXT)
        span.add_event("e", {"a": 1, "q": TEXT})
    span.end()
    (copy,) = redaction.batch("traces", [span])
    for each in (span, copy):
        assert (each.dropped_attributes, each.dropped_events, each.dropped_links) == (2, 3, 1)
        assert (each.events[0].dropped_attributes, each.links[0].dropped_attributes) == (1, 1)


def test_all_exporters_and_repetitions_share_a_copy_which_counts_once(redaction: Redaction, tracer: Any) -> None:
    span = tracer.start_span("n", attributes={"password": SECRET, "q": TEXT})
    span.end()
    first = redaction.batch("traces", [span])
    assert redaction.batch("traces", [span])[0] is first[0]
    assert redaction.batch("traces", first) is first
    assert redaction.report().masked == {"key": 1, "pair": 1}


def test_two_threads_that_copy_a_span_count_it_once(redaction: Redaction, tracer: Any) -> None:
    span = tracer.start_span("n", attributes={"q": TEXT})
    span.end()
    (copy,) = redaction.batch("traces", [span])

    class Raced(ReadableSpan):
        """A span whose copy another thread adds meanwhile."""

        @property
        def kind(self) -> Any:
            vars(self)["_flext_redacted"] = copy
            return super().kind

    assert redaction.batch("traces", [Raced("n", attributes={"q": TEXT}, end_time=2)]) == [copy]
    assert redaction.report().masked == {"pair": 1}


@pytest.mark.parametrize("engine", [True, False])
def test_secrets_of_resource_and_scope_are_masked(redaction: Redaction, engine: bool) -> None:
    resource = Resource({"service.name": "x", "db.password": SECRET})
    sampler = TracerProvider(shutdown_on_exit=False).sampler
    provider: Any = TracerProvider(resource=resource, shutdown_on_exit=False)
    if engine:
        sink = SpanSink()
        provider = EngineTracerProvider(resource=resource, sampler=sampler, rule=None, limits=SpanLimits(), sink=sink)
    span: Any = provider.get_tracer("scope", attributes={"q": TEXT}).start_span("n")
    span.end()
    assert isinstance(span, EngineSpan) is engine
    (copy,) = redaction.batch("traces", [span])
    assert SECRET not in copy.to_json() + repr(copy.instrumentation_scope)
    assert copy.resource.attributes["service.name"] == "x"
    assert redaction.report().masked == {"key": 1, "pair": 1}


def record(body: Any = "text", attributes: Any = None, resource: Any = None, limit: int | None = None) -> Any:
    limits = make_log_record_limits(limit, None)
    made = ReadWriteLogRecord(LogRecord(body=body, attributes=attributes), limits=limits).log_record
    scope = InstrumentationScope("s")
    return ReadableLogRecord(made, resource or Resource({"service.name": "x"}), scope, limits)


@pytest.mark.parametrize("attributes", [None, {"a": "b", "n": 1}, {"a": ["b"], "c": {"d": None}}, {"e": 41111111}])
@pytest.mark.parametrize("body", ["text", None, {"a": ["b"]}])
def test_a_record_without_secrets_stays_the_object(redaction: Redaction, body: Any, attributes: Any) -> None:
    batch = [record(body, attributes)]
    assert redaction.batch("logs", batch) is batch


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        *((TEXT, None), ({"password": SECRET}, {}), (["x", TEXT], None), ("text", {"password": SECRET})),
        *(("text", {"q": TEXT}), ("text", {"n": {"q": [TEXT]}}), ("text", {"n": 4111111111111111})),
    ],
)
def test_a_secret_in_a_record_makes_a_copy(redaction: Redaction, body: Any, attributes: Any) -> None:
    given = record(body, attributes)
    (copy,) = redaction.batch("logs", [given])
    shown = copy.to_json()
    assert SECRET not in shown
    assert "4111111111111111" not in shown
    assert "[redacted:" in shown
    assert redaction.batch("logs", [given])[0] is redaction.batch("logs", [copy])[0] is copy
    assert sum(redaction.report().masked.values()) == 1


def test_the_number_of_dropped_attributes_of_a_record_stays(redaction: Redaction) -> None:
    with pytest.warns(UserWarning, match="dropped"):
        given = record("text", {"a": 1, "b": 2, "q": TEXT}, limit=1)
    (copy,) = redaction.batch("logs", [given])
    assert given.dropped_attributes == copy.dropped_attributes == 2


def test_secrets_of_the_resource_of_a_record_are_masked(redaction: Redaction) -> None:
    (copy,) = redaction.batch("logs", [record(resource=Resource({"password": SECRET}))])
    assert SECRET not in copy.to_json()


def test_two_threads_that_copy_a_record_count_it_once(redaction: Redaction) -> None:
    first, second = record(TEXT), record(TEXT)
    (copy,) = redaction.batch("logs", [first])

    class Raced(dict[str, Any]):
        """Attributes whose reading lets another thread add the copy of their record."""

        def items(self) -> Any:
            vars(second)["_flext_redacted"] = copy
            return super().items()

    second.log_record.attributes = Raced(a="b")
    assert redaction.batch("logs", [second]) == [copy]
    assert redaction.report().masked == {"pair": 1}


def test_a_record_that_is_not_finished_is_changed(redaction: Redaction) -> None:
    added: list[Any] = []
    redaction.adding("logs", added.append)(SimpleNamespace(on_emit=added.append, shutdown=added.clear))
    processor = added.pop()
    inner = LogRecord(body=TEXT, attributes={"a": "b", "password": SECRET})
    with pytest.warns(UserWarning, match="dropped"):
        given = ReadWriteLogRecord(inner, limits=make_log_record_limits(1, None))
    processor.on_emit(given)
    assert added == [given]
    assert str(given.log_record.body).startswith("token=[redacted:")
    assert given.dropped_attributes == 1
    assert redaction.report().masked == {"pair": 1, "key": 1}
    processor.on_emit(given)
    assert redaction.report().masked == {"pair": 1, "key": 1}
    processor.shutdown()
    assert added == []
    with pytest.raises(AttributeError):
        copy(processor)._missing  # noqa: B018 - it has no such method


def test_without_rules_processors_are_added_as_they_are() -> None:
    assert Redaction().adding("logs", print) is print


def test_points_of_the_sdk_are_redacted(redaction: Redaction) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], Resource({"db.password": SECRET}), shutdown_on_exit=False)
    provider.get_meter("m", attributes={"q": TEXT}).create_counter("c").add(1, {"password": SECRET, "tenant": "a"})
    provider.get_meter("m", attributes={"q": TEXT}).create_counter("d").add(1, {"tenant": "a"})
    data: Any = reader.get_metrics_data()
    redacted = redaction.data(data)
    shown = redacted.to_json()
    assert SECRET not in shown
    assert '"tenant": "a"' in shown
    contexts = redaction.data(data, points=False)
    assert (contexts.to_json().count(SECRET), data.to_json().count(SECRET)) == (1, 3)


def test_points_without_secrets_stay_the_object(redaction: Redaction) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], Resource({"a": "b"}), shutdown_on_exit=False)
    provider.get_meter("m").create_counter("c").add(1, {"tenant": "a"})
    data: Any = reader.get_metrics_data()
    assert redaction.data(data) is data


def test_exemplars_are_redacted(redaction: Redaction) -> None:
    from flext_observability.values.plain_points import (
        AggregationTemporality,
        Exemplar,
        Metric,
        MetricsData,
        NumberDataPoint,
        ResourceMetrics,
        ScopeMetrics,
        Sum,
    )

    exemplars = [Exemplar({"q": TEXT}, 1, 2), Exemplar({"q": "x"}, 1, 2)]
    point = NumberDataPoint({"tenant": "a"}, 1, 2, 3, exemplars)
    metric = Metric("c", "", "", Sum([point], AggregationTemporality.CUMULATIVE, is_monotonic=True))
    scope = ScopeMetrics(InstrumentationScope("m"), [metric], "")
    data: Any = MetricsData([ResourceMetrics(Resource({"a": "b"}), [scope], "")])
    shown = repr(redaction.data(data))
    assert SECRET not in shown
    assert "'q': 'x'" in shown


def test_series_are_redacted_and_counted(redaction: Redaction) -> None:
    assert redaction.series({"tenant": "a"}) == {"tenant": "a"}
    found = redaction.series({"tenant": "a", "password": SECRET})
    assert found["tenant"] == "a"
    assert found["password"].startswith("[redacted:key:")
    assert redaction.report().masked == {"key": 1}


def test_without_rules_everything_stays() -> None:
    redaction = Redaction()
    batch, exporter = [record(TEXT)], object()
    assert redaction.batch("logs", batch) is batch
    assert redaction.exporter("logs", exporter) is exporter  # type: ignore[arg-type] # any object
    assert redaction.pair("password", SECRET) == SECRET
    assert not redaction.has_metrics
    assert redaction.report().rules == {}
    redaction.load()


def test_baggage_is_redacted(redaction: Redaction) -> None:
    assert redaction.pair("tenant", "a") == "a"
    assert redaction.pair("password", SECRET).startswith("[redacted:key:")
    assert SECRET not in redaction.pair("q", TEXT)
    assert redaction.report().masked == {"key": 1, "pair": 1}


def test_more_resources_than_are_remembered_are_redacted(redaction: Redaction) -> None:
    for number in range(600):
        (copy,) = redaction.batch("logs", [record(resource=Resource({"password": SECRET, "n": number}))])
        assert SECRET not in copy.to_json()


def test_records_of_the_sdk_logger_are_redacted(redaction: Redaction) -> None:
    received: list[Any] = []

    class Exporter:
        def on_emit(self, log_record: Any) -> None:
            received.append(log_record)

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(Exporter())  # type: ignore[arg-type] # only this method is called
    provider.get_logger("x").emit(LogRecord(body=TEXT))
    (copy,) = redaction.batch("logs", received)
    assert SECRET not in copy.to_json()


class Broken:
    """A part of a span that raises on each use."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_a_span_that_cannot_be_examined_loses_its_texts(redaction: Redaction) -> None:
    good = ReadableSpan("good", OTHER, attributes={"q": TEXT})
    bad = ReadableSpan("bad", OTHER, attributes={"q": TEXT}, events=[Broken()])  # type: ignore[list-item] # of any type
    first, second = redaction.batch("traces", [bad, good])
    assert (first.name, first.context, dict(first.attributes or {})) == ("[redacted:failed]", OTHER, {})
    assert second.name == "good"


def test_a_record_that_cannot_be_examined_loses_its_texts(redaction: Redaction) -> None:
    class Slots(ReadableLogRecord):
        """A record without room for its copy."""

        @property
        def dropped_attributes(self) -> int:
            raise RuntimeError

    inner = record(TEXT).log_record
    (found,) = redaction.batch("logs", [Slots(inner, Resource({"a": "b"}))])
    assert (found.log_record.body, found.log_record.attributes) == ("[redacted:failed]", {})


def test_names_of_any_type_stay(redaction: Redaction) -> None:
    for name in (None, 5, b"x", [], object()):
        batch = [ReadableSpan(name, OTHER)]  # type: ignore[arg-type] # of any type
        assert redaction.batch("traces", batch) is batch
    given = record("x", {"a": "b"})
    given.log_record.attributes = {5: TEXT}
    assert redaction.batch("logs", [given])[0].log_record.attributes[5].startswith("token=[redacted:")


def test_a_snapshot_of_an_open_span_is_redacted_and_later_the_ended_one(redaction: Redaction, tracer: Any) -> None:
    span = tracer.start_span("n", attributes={"q": TEXT})
    (snapshot,) = redaction.batch("traces", [span])
    span.set_attribute("later", TEXT)
    span.end()
    (copy,) = redaction.batch("traces", [span])
    assert set(snapshot.attributes) == {"q"}
    assert set(copy.attributes) == {"q", "later"}
    assert SECRET not in snapshot.to_json() + copy.to_json()
    assert redaction.report().masked == {"pair": 2}
