"""Settings, resource and span processor → tracer providers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider as SdkTracerProvider
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    TraceIdRatioBased,
)

from flext_observability.adapters.service_tracers import MAX_SERVICE_NAMES
from flext_observability.engine.attribute_filling import AttributeFilling, FilledProvider
from flext_observability.engine.shedding import Shedding
from flext_observability.engine.span_options import SamplingRule
from flext_observability.engine.tracer import EngineTracerProvider
from flext_observability.pipeline.export_processors import SpanProcessors
from flext_observability.pipeline.sampling import CountingSampler, RuleSampler
from flext_observability.providers.id_generator import ContainedIdGenerator, make_id_generator
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.engine.span_options import SpanSink
    from flext_observability.pipeline.export_processors import ExportSpanProcessor
    from flext_observability.pipeline.ledger import SignalCounter
    from flext_observability.providers.bootstrap import Pipeline
    from flext_observability.providers.notices import Notices
    from flext_observability.settings.config import FlextObservabilityConfig


class ServiceTracers:
    """Tracer providers by service name: that of the process, and those of traces with another service name."""

    def __init__(
        self,
        config: FlextObservabilityConfig,
        resource: Resource,
        sampler: Sampler,
        processor: ExportSpanProcessor,
        counter: SignalCounter,
        notices: Notices,
    ) -> None:
        self._config = config
        self._id_generator = make_id_generator(config, notices)
        self._limits, self._full_limits = make_span_limits(config), make_span_limits(config)
        self._shedding = Shedding()
        self._resource = resource
        self._rule = rule = sampling_rule(config)
        self._sampler = CountingSampler(sampler, counter) if rule is None else RuleSampler(sampler, rule, counter)
        self._processor = processor
        self._lock = threading.RLock()
        self._by_service: dict[str, SdkTracerProvider | EngineTracerProvider] = {}
        self._added: tuple[SpanProcessor, ...] = ()
        self.provider = self._make(resource)

    def for_service(self, service_name: str) -> SdkTracerProvider | EngineTracerProvider:
        """Return the provider for a service name. Beyond ``MAX_SERVICE_NAMES`` names it is that of the process."""
        if service_name == self._resource.attributes.get("service.name"):
            return self.provider
        with self._lock:
            provider = self._by_service.get(service_name)
            if provider is None and len(self._by_service) < MAX_SERVICE_NAMES:
                provider = self._make(self._resource.merge(Resource({"service.name": service_name})))
                self._by_service[service_name] = provider
        return provider or self.provider

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Add a processor of the program to the providers of all service names."""
        with self._lock:
            self._added = (*self._added, span_processor)
            for provider in (self.provider, *self._by_service.values()):
                provider.add_span_processor(span_processor)

    def shed(self, shedding: Shedding) -> None:
        """Set what spans leave out. A sampler of another package is not changed."""
        with self._lock:
            self._shedding = shedding
            if isinstance(self._sampler, RuleSampler):
                self._sampler.shed(shedding)
            for provider in (self.provider, *self._by_service.values()):
                if isinstance(provider, EngineTracerProvider):
                    provider.shed(shedding)
            if self._config.engine == "sdk":
                _shed_limits(self._limits, self._full_limits, shedding)

    def redirect(self, sink: SpanSink) -> None:
        """Pass the spans of the engine that end from now on to another pipeline."""
        with self._lock:
            for provider in (self.provider, *self._by_service.values()):
                if isinstance(provider, EngineTracerProvider):
                    provider.redirect(sink)

    @property
    def has_rule(self) -> bool:
        """Whether the sampler is a built-in one, whose ratio can be lowered."""
        return self._rule is not None

    def not_shed(self) -> tuple[str, ...]:
        """Return what cannot be left out, and why."""
        found: list[str] = []
        if self._rule is None:
            found.append(f"the sampler {self._config.sampler} decides on traces, at its own ratio")
        if self._config.engine == "sdk":
            found.append("the SDK keeps the last event and attributes of a span, and counts the rest on the span")
        return tuple(found)

    def _make(self, resource: Resource) -> SdkTracerProvider | EngineTracerProvider:
        provider = self._make_sdk(resource) if self._config.engine == "sdk" else self._make_engine(resource)
        for added in self._added:
            provider.add_span_processor(added)
        return provider

    def _make_sdk(self, resource: Resource) -> SdkTracerProvider:
        sampler, limits = self._sampler, self._limits
        ids = None if self._id_generator is None else ContainedIdGenerator(self._id_generator)
        filling = None if self._rule is None else AttributeFilling(limits)
        processors = SpanProcessors(self._processor, filling)
        provider = FilledProvider(
            sampler,
            resource,
            shutdown_on_exit=False,
            active_span_processor=processors,
            id_generator=ids,
            span_limits=limits,
        )
        provider.filling = filling
        return provider

    def _make_engine(self, resource: Resource) -> EngineTracerProvider:
        provider = EngineTracerProvider(
            resource=resource,
            sampler=self._sampler,
            rule=self._rule,
            limits=self._limits,
            sink=self._processor.sink,
            ids=self._id_generator,
            exporting=self._processor,
        )
        provider.shed(self._shedding)
        return provider


def direct_spans(direct: Callable[[], object], processor: ExportSpanProcessor, previous: Pipeline | None) -> None:
    """Direct new spans to a pipeline, and those that are open in the previous one.

    Args:
        direct: Directs new spans.
        processor: Processor of the pipeline.
        previous: The previous pipeline; None for none.
    """
    direct()
    if previous is not None and previous.spans is not None:
        processor.follow(previous.spans, is_added=previous.tracers is None)
        if previous.tracers is not None:
            previous.tracers.redirect(processor.sink)


def sampling_rule(config: FlextObservabilityConfig) -> SamplingRule | None:
    """Return a built-in sampler in numbers; None for an installed one."""
    ratio = config.sample_ratio if config.sample_ratio is not None else 1.0
    root = config.sampler.removeprefix("parentbased_")
    bounds = {"always_on": 1 << 64, "always_off": 0, "traceidratio": TraceIdRatioBased.get_bound_for_rate(ratio)}
    return SamplingRule(bounds[root], parent_based=root != config.sampler) if root in bounds else None


def make_sampler(config: FlextObservabilityConfig, notices: Notices) -> Sampler:
    """Return the configured sampler. If it cannot be loaded, sample every trace and add a notice.

    Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
    """
    ratio = config.sample_ratio if config.sample_ratio is not None else 1.0
    built_in: dict[str, Sampler] = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(ratio),
        "parentbased_always_on": ParentBased(ALWAYS_ON),
        "parentbased_always_off": ParentBased(ALWAYS_OFF),
        "parentbased_traceidratio": ParentBasedTraceIdRatio(ratio),
    }
    return built_in.get(config.sampler) or _installed_sampler(config, notices)


def make_span_limits(config: FlextObservabilityConfig) -> SpanLimits:
    """Return the SDK's span limits. None means unlimited."""
    return SpanLimits(
        max_attributes=_limit(config.attribute_count_limit),
        max_attribute_length=_limit(config.attribute_value_length_limit),
        max_span_attributes=_limit(config.span_attribute_count_limit),
        max_span_attribute_length=_limit(config.span_attribute_value_length_limit),
        max_events=_limit(config.span_event_count_limit),
        max_links=_limit(config.span_link_count_limit),
        max_event_attributes=_limit(config.event_attribute_count_limit),
        max_link_attributes=_limit(config.link_attribute_count_limit),
    )


def _shed_limits(limits: SpanLimits, full: SpanLimits, shedding: Shedding) -> None:
    """Change the limits that new spans of the SDK read. Their latest event is kept: it may be an exception."""
    limits.max_events = _lower(full.max_events, 1 if shedding.events else inf)
    limits.max_span_attributes = _lower(full.max_span_attributes, shedding.kept_attributes)


def _lower(limit: int | None, other: float) -> int | None:
    lowest = min(inf if limit is None else limit, other)
    return None if lowest == inf else int(lowest)


def _limit(value: int | None) -> int:
    return SpanLimits.UNSET if value is None else value


def _installed_sampler(config: FlextObservabilityConfig, notices: Notices) -> Sampler:
    problem = "is not installed"
    from importlib.metadata import entry_points

    for entry in entry_points(group="opentelemetry_traces_sampler", name=config.sampler):
        try:
            sampler = entry.load()(config.sampler_arg)
        except BaseException as error:  # noqa: BLE001 - code of another package
            reraise_interrupt(error)
            problem = f"failed ({describe_error(error)})"
        else:
            if isinstance(sampler, Sampler):
                return sampler
            problem = "is not a sampler"
    notices.degrade(
        "traces",
        f"The sampler '{config.sampler}' {problem}: every trace is sampled",
        "Use always_on, always_off, traceidratio or a parentbased_ one of these, or install the sampler's package",
    )
    return ParentBased(ALWAYS_ON)
