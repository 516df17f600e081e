"""Documents of many processes → the metrics of the program, as ``MetricsData`` or as one document."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flext_observability.pipeline.shared_page.merge_points import (
    add_exponential,
    add_histogram,
    add_number,
    keep_latest,
    keep_value,
)
from flext_observability.pipeline.shared_page.merged_points import metric_of
from flext_observability.values.metric_points import point_classes
from flext_observability.wire.metric_snapshot.decode import attributes_of
from flext_observability.wire.metric_snapshot.encode import (
    COUNTER,
    EXPONENTIAL,
    GAUGE,
    HISTOGRAM,
    UP_DOWN_COUNTER,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

    from flext_observability.wire.metric_snapshot.encode import Document, Plain

PROCESS_KEY: Final = "process.pid"
_MACHINE: Final = "system."
"""Beginning of the names of metrics of the machine, which every process measures alike."""
_KEYS_OF_PROCESS: Final = frozenset({PROCESS_KEY, "service.instance.id"})
MAX_FOLDED_SERIES: Final = 2000
"""Maximum number of series of one metric of ended processes. Further ones are added up in one series."""
OVERFLOW: Final = '{"otel.metric.overflow":true}'
_GAUGES: Final[Mapping[str, Callable[[Plain, Plain], None]]] = {
    "sum": keep_value(operator.add),
    "max": keep_value(max),
    "min": keep_value(min),
    "latest": keep_latest,
}
_ADDITIONS: Final[Mapping[str, Callable[[Plain, Plain], None]]] = {
    COUNTER: add_number,
    UP_DOWN_COUNTER: add_number,
    HISTOGRAM: add_histogram,
    EXPONENTIAL: add_exponential,
}


@dataclass(slots=True)
class MergedMetric:
    """One metric of all processes: its series by the text of their attributes."""

    kind: str
    name: str
    description: str
    unit: str
    mode: str
    series: dict[str, Plain] = field(default_factory=dict[str, "Plain"])


@dataclass(slots=True)
class _Service:
    """All metrics of one service. Its attributes are those that all its processes share."""

    attributes: dict[str, str]
    schema_url: str
    scopes: dict[tuple[str, ...], dict[tuple[str, ...], MergedMetric]]
    documents: int = 0


@final
class MergedMetrics:
    """Adds up documents. Lists of an added document become part of the sum: add a document once."""

    __slots__ = ("_max_series", "_services")

    def __init__(self, max_series: int | None = None) -> None:
        """Create an empty sum.

        Args:
            max_series: Maximum number of series of one metric; None: no limit.
        """
        self._services: dict[str, _Service] = {}
        self._max_series = max_series

    def add(self, document: Document, *, running: bool, ended: bool = False) -> None:
        """Add a document.

        Args:
            document: Document of a process, or of the processes that were added up before.
            running: Whether its process is running. The gauges of another one are left out.
            ended: Whether its process has ended regularly; up-down counters of a process that was killed are left out.
        """
        kinds = {COUNTER, HISTOGRAM, EXPONENTIAL}
        kinds |= {UP_DOWN_COUNTER, GAUGE} if running else {UP_DOWN_COUNTER} if ended else set()
        pid = document.get("pid")
        for attributes, schema_url, scopes in document["resources"]:
            service = self._service(attributes, schema_url)
            for name, version, scope_url, scope_attributes, metrics in scopes:
                scope = service.scopes.setdefault((name, version, scope_url, scope_attributes), {})
                for metric in metrics:
                    if metric[0] in kinds and (running or not _is_of_machine(metric)):
                        self._add_metric(scope, metric, pid)

    def to_metrics_data(self, time_unix_nano: int) -> MetricsData:
        """Return all points, as of this time."""
        classes = point_classes()
        resources = [_resource_metrics(classes, each, time_unix_nano) for each in self._services.values()]
        data: MetricsData = classes.MetricsData(resources)
        return data

    def to_resources(self) -> Plain:
        """Return the resources of a document with all points."""
        return [
            [
                _text_of_parts(service.attributes),
                service.schema_url,
                [[*scope, [_plain_metric(each) for each in metrics.values()]] for scope, metrics in _used(service)],
            ]
            for service in self._services.values()
        ]

    def _service(self, text: str, schema_url: str) -> _Service:
        parts = _parts(text)
        key = f"{parts.get('service.namespace')}/{parts.get('service.name')}"
        service = self._services.get(key)
        if service is None:
            service = self._services[key] = _Service(parts, schema_url, {})
        elif service.attributes != parts:
            service.attributes = {name: value for name, value in parts.items() if service.attributes.get(name) == value}
        service.documents += 1
        return service

    def _add_metric(self, scope: dict[tuple[str, ...], MergedMetric], metric: Plain, pid: int | None) -> None:
        kind, name, description, unit, mode, bounds, points = metric
        known = scope.get((kind, name, unit))
        if known is None:
            known = scope[kind, name, unit] = MergedMetric(kind, name, description, unit, mode)
        add = _GAUGES.get(known.mode) if kind == GAUGE else _ADDITIONS[kind]
        if not known.mode and _is_of_machine(metric):
            add = _GAUGES["max"]
        series, limit = known.series, self._max_series
        for point in points:
            text = point[0]
            if add is None:
                text = point[0] = _of_process(text, pid)
            elif limit is not None and text not in series and len(series) >= limit:
                text = point[0] = OVERFLOW
            if kind == HISTOGRAM:
                point[6] = bounds[point[6]]
            total = series.get(text)
            if total is None or add is None:
                series[text] = point
            else:
                add(total, point)


def _is_of_machine(metric: Plain) -> bool:
    return metric[0] in {COUNTER, UP_DOWN_COUNTER, GAUGE} and metric[1].startswith(_MACHINE)


def _parts(text: str) -> dict[str, str]:
    """Return attributes with their values as JSON, which can be compared with their types."""
    attributes: dict[str, Any] = json.loads(text)
    return {name: json.dumps(value, separators=(",", ":")) for name, value in attributes.items()}


def _text_of_parts(parts: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in sorted(parts.items())) + "}"


def _of_process(text: str, pid: int | None) -> str:
    """Return the attributes of a gauge with the process, unless they name one."""
    if pid is None or f'"{PROCESS_KEY}":' in text:
        return text
    return f'{text[:-1]}{"" if text == "{}" else ","}"{PROCESS_KEY}":{pid}}}'


def _used(service: _Service) -> list[tuple[tuple[str, ...], dict[tuple[str, ...], MergedMetric]]]:
    return [(scope, metrics) for scope, metrics in service.scopes.items() if metrics]


def _plain_metric(metric: MergedMetric) -> Plain:
    points, bounds = list(metric.series.values()), list[Any]()
    if metric.kind == HISTOGRAM:
        for index, point in enumerate(points):
            if point[6] not in bounds:
                bounds.append(point[6])
            points[index] = [*point[:6], bounds.index(point[6]), *point[7:]]
    return [metric.kind, metric.name, metric.description, metric.unit, metric.mode, bounds, points]


def _resource_metrics(classes: Any, service: _Service, time_unix_nano: int) -> object:  # noqa: ANN401 - a namespace
    attributes = dict(attributes_of(_text_of_parts(service.attributes)) or {})
    if service.documents == 1:  # as of several, whose values differ
        attributes = {name: value for name, value in attributes.items() if name not in _KEYS_OF_PROCESS}
    resource = Resource(attributes, service.schema_url)
    scopes = [
        classes.ScopeMetrics(
            InstrumentationScope(name, version or None, url or None, attributes_of(scope_attributes)),
            [metric_of(each, time_unix_nano) for each in metrics.values()],
            url,
        )
        for (name, version, url, scope_attributes), metrics in _used(service)
    ]
    return classes.ResourceMetrics(resource, scopes, service.schema_url)
