"""Settings, resource and exporters → meter provider, with one reader shared by push and pull exporters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from flext_observability.engine.metrics.provider import EngineMeterProvider, EngineReader
from flext_observability.extensions.ports import FlushOnlyExporter
from flext_observability.extensions.redaction_rules import redaction_rule_registry
from flext_observability.pipeline.shared_metric_reader import SharedMetricReader
from flext_observability.values.exceptions import describe_error
from flext_observability.values.foreign import qualified_type_name
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource

    from flext_observability.pipeline.redaction.redaction import Redaction
    from flext_observability.providers.notices import Notices
    from flext_observability.settings.config import FlextObservabilityConfig

AnyMeterProvider: TypeAlias = "MeterProvider | EngineMeterProvider"
DELTAS: Mapping[str, Collection[str]] = {
    "cumulative": (),
    "delta": ("counter", "observable_counter", "histogram"),
    "lowmemory": ("counter", "histogram"),
}
"""Kinds of instruments with delta temporality, by preference."""


class MetricReaders:
    """Readers of a meter provider: one cumulative reader for all, unless push exporters prefer another temporality.

    Pull exporters always read the cumulative reader. Reading deltas resets them, so each push exporter with delta
    temporality has its own reader. With the meter provider of the engine they share one aggregation.

    Args:
        config: Resolved configuration.
        resource: Resource of the metrics.
        push_count: Number of push exporters, flush-only ones excluded.
        foreign: Readers of exporters that have their own. Totals are not kept by a second start then.
        redaction: Redacts attributes; None for no redaction.
        lean: Whether the engine aggregates, instead of the SDK.
    """

    def __init__(
        self,
        config: FlextObservabilityConfig,
        resource: Resource,
        push_count: int,
        foreign: Sequence[MetricReader] = (),
        redaction: Redaction | None = None,
        *,
        lean: bool = False,
    ) -> None:
        self.redaction = redaction
        preference = config.metrics_temporality_preference
        self.key = (*meter_key(config, resource, push_count), *foreign)
        self._foreign = foreign
        self.shared = preference == "cumulative"
        self._engine = make_engine(config, resource, redaction) if lean else None
        self.cumulative = self._make_reader(config, "cumulative")
        own = 0 if self.shared else push_count
        self._own = [self._make_reader(config, preference) for _ in range(own)]

    def for_push(self, exporters: Iterable[object]) -> Iterator[SharedMetricReader]:
        """Yield the reader of each push exporter: the cumulative one for flush-only exporters."""
        own = iter(self._own)
        for exporter in exporters:
            cumulative = self.shared or isinstance(exporter, FlushOnlyExporter)
            yield self.cumulative if cumulative else next(own)

    def readers(self) -> list[MetricReader]:
        """Return the SDK readers."""
        own = () if self._engine is not None else (self.cumulative, *self._own)
        return [*(each.reader for each in own), *self._foreign]

    def make_provider(self, config: FlextObservabilityConfig, resource: Resource) -> AnyMeterProvider:
        """Return a provider with these readers."""
        for reader in (self.cumulative, *self._own):
            reader.counts_calls = True
        if self._engine is not None:
            return self._engine
        from flext_observability.providers.sdk_meter import make_sdk_provider

        return make_sdk_provider(config, resource, self.readers())

    def _make_reader(self, config: FlextObservabilityConfig, preference: str) -> SharedMetricReader:
        rules = self.redaction
        redact = rules.data if rules is not None and rules.has_metrics else None
        if self._engine is not None:
            reader = EngineReader(self._engine, DELTAS[preference])
            # The attributes of a series are redacted once, when it is created.
            return SharedMetricReader(engine=reader, redact=partial(redact, points=False) if redact else None)
        from flext_observability.providers.sdk_meter import TEMPORALITIES, default_aggregation

        aggregation = default_aggregation(config.metrics_default_histogram_aggregation)
        return SharedMetricReader(TEMPORALITIES[preference], aggregation, redact=redact)


def is_lean(config: FlextObservabilityConfig, foreign: Sequence[MetricReader], notices: Notices) -> bool:
    """Return whether the engine aggregates. Readers of other packages need the SDK, which is a notice."""
    if config.engine == "sdk":
        return False
    if foreign:
        kinds = ", ".join(sorted({qualified_type_name(each) for each in foreign}))
        message = f"The SDK aggregates the metrics, because an exporter has its own reader ({kinds})"
        notices.warn("metrics", message, "For a lower cost, use exporters of this library, such as otlp or prometheus")
    return not foreign


def make_provider(
    config: FlextObservabilityConfig,
    resource: Resource,
    readers: MetricReaders,
    push_count: int,
    notices: Notices,
) -> tuple[MetricReaders, AnyMeterProvider]:
    """Return a provider and its readers, without those of exporters if the SDK rejects one."""
    try:
        return readers, readers.make_provider(config, resource)
    except BaseException as error:  # noqa: BLE001 - a reader of another package
        reraise_interrupt(error)
        message = f"Metric readers of exporters are not used: {describe_error(error)}"
        notices.degrade("metrics", message, "Use the exporter prometheus, or another one")
        lean = is_lean(config, (), notices)
        readers = MetricReaders(config, resource, push_count, redaction=readers.redaction, lean=lean)
        return readers, readers.make_provider(config, resource)


def make_engine(
    config: FlextObservabilityConfig, resource: Resource, redaction: Redaction | None = None
) -> EngineMeterProvider:
    """Return the meter provider of the engine."""
    return EngineMeterProvider(
        resource,
        config.metrics_exemplar_filter,
        config.metrics_cardinality_limit,
        exponential=config.metrics_default_histogram_aggregation == "base2_exponential_bucket_histogram",
        redact=redaction.series if redaction is not None and redaction.has_metrics else None,
    )


def meter_key(config: FlextObservabilityConfig, resource: Resource, push_count: int) -> tuple[object, ...]:
    """Return the values that must be equal for a second start to keep the totals."""
    cumulative = config.metrics_temporality_preference == "cumulative"
    return (
        resource,
        config.metrics_temporality_preference,
        0 if cumulative else push_count,
        config.metrics_default_histogram_aggregation,
        config.metrics_exemplar_filter,
        config.metrics_cardinality_limit,
        config.engine,
        *(config.redaction, config.metrics_redaction, config.redaction_allow, config.redaction_key),
        redaction_rule_registry().registered(),
    )
