"""Metric points of the SDK → the same; of those with a secret, copies with markers. The engine redacts its series."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, final

from flext_observability.pipeline.redaction.redactor import Hits, Redactor

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

    from flext_observability.pipeline.redaction.contexts import ContextRedactor
    from flext_observability.pipeline.redaction.counts import RedactionCounts

T = TypeVar("T")


class Bounded(Protocol):
    """Calls a function, and returns its result."""

    def __call__(self, work: Callable[[], T], /) -> T:
        """Call the function."""
        ...


@final
class PointRedactor:
    """Redacts the metric points of a collection. Thread-safe.

    Args:
        redactor: Rules of the signal.
        contexts: Redacts resources and scopes.
        counts: Counts the masked values.
        bounded: Calls a function that may run rules of the program, which are bounded in time.
    """

    __slots__ = ("_bounded", "_contexts", "_counts", "_redactor")

    def __init__(
        self, redactor: Redactor, contexts: ContextRedactor, counts: RedactionCounts, bounded: Bounded
    ) -> None:
        self._bounded = bounded
        self._redactor = redactor
        self._contexts = contexts
        self._counts = counts

    def series(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes of a new series without secrets."""
        hits: Hits = []
        replaced = self._bounded(lambda: self._redactor.attributes(attributes, hits))
        self._counts.add(hits)
        return dict(replaced or {})

    def data(self, data: MetricsData, *, points: bool) -> MetricsData:
        """Return a collection without secrets. They are not counted: each collection has them again.

        Args:
            data: The collection.
            points: Whether to examine attributes of points, too, besides resources and scopes.
        """
        redact = partial(self._resource, points=points)
        resources = self._bounded(lambda: _each(data.resource_metrics, redact))
        return data if resources is None else _with(data, resource_metrics=resources)

    def _resource(self, given: Any, *, points: bool) -> Any:  # noqa: ANN401 - of the SDK's or our own class
        resource = self._contexts.resource(given.resource)
        scopes = _each(given.scope_metrics, partial(self._scope, points=points))
        if scopes is None and resource is given.resource:
            return given
        return _with(given, resource=resource, scope_metrics=scopes or given.scope_metrics)

    def _scope(self, given: Any, *, points: bool) -> Any:  # noqa: ANN401 - of the SDK's or our own class
        scope = self._contexts.scope(given.scope)
        metrics = _each(given.metrics, self._metric) if points else None
        if metrics is None and scope is given.scope:
            return given
        return _with(given, scope=scope, metrics=metrics or given.metrics)

    def _metric(self, given: Any) -> Any:  # noqa: ANN401 - of the SDK's or our own class
        points = _each(given.data.data_points, self._point)
        return given if points is None else _with(given, data=_with(given.data, data_points=points))

    def _point(self, given: Any) -> Any:  # noqa: ANN401 - of the SDK's or our own class
        attributes = self._redactor.attributes(given.attributes, [])
        exemplars = _each(given.exemplars, self._exemplar)
        if attributes is given.attributes and exemplars is None:
            return given
        return _with(given, attributes=attributes, exemplars=exemplars or given.exemplars)

    def _exemplar(self, given: Any) -> Any:  # noqa: ANN401 - of the SDK's or our own class
        attributes = self._redactor.attributes(given.filtered_attributes, [])
        return given if attributes is given.filtered_attributes else _with(given, filtered_attributes=attributes)


def _each(items: Iterable[T], function: Callable[[T], T]) -> list[T] | None:
    """Return the results; None if all are the items themselves."""
    given = list(items)
    replaced = [function(each) for each in given]
    return None if all(new is old for new, old in zip(replaced, given, strict=True)) else replaced


def _with(given: T, **fields: object) -> T:
    copied: Any = given
    return dataclasses.replace(copied, **fields)  # type: ignore[no-any-return]
