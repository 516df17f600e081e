"""Attributes of points, scopes and resources → labels of series, cached from one page to the next."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final, final

from flext_observability.values.named_tuple import NamedTuple
from flext_observability.wire.prometheus.escaping import Escaping, escape_label
from flext_observability.wire.prometheus.family import LabelSet
from flext_observability.wire.prometheus.names import label_name, label_value

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

_MAX_CACHED: Final = 8192
"""Number of label sets, of about 1 KB each."""
_CACHED_TYPES: Final = frozenset({str, int, bool})  # zeros of different signs are equal floats


class LabelContext(NamedTuple):
    """What the labels of a series depend on besides its attributes.

    Attributes:
        added: Labels of the scope and of the resource, which replace attributes of the same name.
        reserved: Labels that the scraper or the Pushgateway sets. Attributes with such a name become
            ``exported_<name>``, as in a scrape.
        omitted: Labels that the samples of the metric have themselves.
        escaping: Scheme for the names.
    """

    added: tuple[tuple[str, str], ...] = ()
    reserved: frozenset[str] = frozenset()
    omitted: str = ""
    escaping: Escaping = "underscores"


@final
class LabelCache:
    """Label sets of earlier pages. Thread-safe.

    Attributes:
        size: Number of label sets that were added. Beyond 8192, all are discarded.
    """

    __slots__ = ("_contexts", "size")

    def __init__(self) -> None:
        self._contexts: dict[LabelContext, SeriesLabels] = {}
        self.size = 0

    def of_context(self, context: LabelContext) -> SeriesLabels:
        """Return the label sets of one context."""
        if self.size > _MAX_CACHED:
            self._contexts, self.size = {}, 0
        labels = self._contexts.get(context)
        if labels is None:
            labels = self._contexts[context] = SeriesLabels(context, self)
        return labels


@final
class SeriesLabels:
    """Labels of the series of one context."""

    __slots__ = ("_by_identity", "_by_value", "_cache", "_context")

    def __init__(self, context: LabelContext, cache: LabelCache) -> None:
        self._context = context
        self._cache = cache
        self._by_identity: dict[int, tuple[object, LabelSet]] = {}
        self._by_value: dict[object, LabelSet] = {}

    def find(self, attributes: Mapping[str, object]) -> LabelSet:
        """Return the labels of these attributes, sorted. Keys that become one label have their values joined."""
        cached = self._by_identity.get(id(attributes))
        if cached is not None:
            return cached[1]  # the cache keeps the attributes, so no others have their identity
        types = tuple(map(type, attributes.values()))
        if not _CACHED_TYPES.issuperset(types):
            return self._make(attributes)
        key = tuple(attributes.items()), types  # equal values of other types have other texts
        labels = self._by_value.get(key)
        if labels is None:
            labels = self._by_value[key] = self._make(attributes)
        # Points have the same attributes in each collection, or equal ones.
        self._by_identity[id(attributes)] = attributes, labels
        self._cache.size += 1
        return labels

    def _make(self, attributes: Mapping[str, object]) -> LabelSet:
        context = self._context
        labels = attribute_labels(attributes, context.reserved, context.escaping)
        labels.pop(context.omitted, None)
        pairs = sorted({**labels, **dict(context.added)}.items()) if context.added else labels.items()
        return LabelSet(tuple(pairs))


def attribute_labels(
    attributes: Mapping[str, object],
    reserved: frozenset[str] = frozenset(),
    escaping: Escaping = "underscores",
) -> dict[str, str]:
    """Return sorted labels, without those whose value is empty: Prometheus does not distinguish them."""
    labels: dict[str, str] = {}
    for name, key in _label_names(tuple(attributes), reserved, escaping):
        if value := label_value(attributes[key]):
            labels[name] = f"{labels[name]};{value}" if name in labels else value
    return labels


def scope_labels(scope: InstrumentationScope | None, escaping: Escaping = "underscores") -> dict[str, str]:
    """Return the labels that name the scope on each of its series.

    Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#instrumentation-scope-1
    """
    if scope is None:
        return {}
    attributes: dict[str, object] = {f"otel_scope_{key}": value for key, value in (scope.attributes or {}).items()}
    own: dict[str, object] = {"name": scope.name, "version": scope.version, "schema_url": scope.schema_url}
    attributes.update((f"otel_scope_{key}", value or "") for key, value in own.items())
    return attribute_labels(attributes, escaping=escaping)


def resource_labels(resource: Resource) -> dict[str, str]:
    """Return the labels that distinguish the resources of one page, as a push would."""
    name = label_value(resource.attributes.get("service.name"))
    namespace = label_value(resource.attributes.get("service.namespace"))
    job = f"{namespace}/{name}" if namespace else name
    labels = {"instance": label_value(resource.attributes.get("service.instance.id")), "job": job}
    return {name: value for name, value in labels.items() if value}


@lru_cache(maxsize=1024)
def _label_names(keys: tuple[str, ...], reserved: frozenset[str], escaping: Escaping) -> list[tuple[str, str]]:
    """Return label names with their keys, sorted."""
    names = ((label_name(key), key) for key in keys)
    escaped = ((f"exported_{name}" if name in reserved else name, key) for name, key in names if name)
    return sorted((escape_label(name, escaping), key) for name, key in escaped)
