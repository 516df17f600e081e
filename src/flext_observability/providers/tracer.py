"""Settings, resource and exporters → a tracer provider whose spans reach every exporter."""

from __future__ import annotations

import threading
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    TraceIdRatioBased,
)

from flext_observability.pipeline.export_processors import ExportSpanProcessor
from flext_observability.pipeline.ledger import SignalCounter
from flext_observability.pipeline.sampling import CountingSampler

if TYPE_CHECKING:
    from flext_observability.providers.notices import Notices
    from flext_observability.settings.config import FlextObservabilityConfig

MAX_SERVICE_NAMES = 64


class ServiceTracers:
    """The process's tracer provider, and one for each other service name that traces are recorded under."""

    def __init__(
        self, config: FlextObservabilityConfig, resource: Resource, sampler: Sampler, intake: ExportSpanProcessor
    ) -> None:
        self._limits = make_span_limits(config)
        self._resource = resource
        self._sampler = sampler
        self._intake: SpanProcessor = intake
        self._lock = threading.RLock()
        self._by_service: dict[str, TracerProvider] = {}
        self.provider = self._make(resource)

    def for_service(self, service_name: str) -> TracerProvider:
        """Return the provider for a service name; the process's own past ``MAX_SERVICE_NAMES`` names."""
        if service_name == self._resource.attributes.get("service.name"):
            return self.provider
        with self._lock:
            known = self._by_service.get(service_name)
            if known is None and len(self._by_service) < MAX_SERVICE_NAMES:
                known = self._make(self._resource.merge(Resource({"service.name": service_name})))
                self._by_service[service_name] = known
        return known or self.provider

    def _make(self, resource: Resource) -> TracerProvider:
        provider = TracerProvider(
            resource=resource, sampler=self._sampler, span_limits=self._limits, shutdown_on_exit=False
        )
        provider.add_span_processor(self._intake)
        return provider


def make_tracers(
    config: FlextObservabilityConfig,
    resource: Resource,
    intake: ExportSpanProcessor,
    tally: SignalCounter,
    notices: Notices,
) -> ServiceTracers:
    """Return the tracer providers of one configuration."""
    return ServiceTracers(config, resource, CountingSampler(make_sampler(config, notices), tally), intake)


def make_sampler(config: FlextObservabilityConfig, notices: Notices) -> Sampler:
    """Return the sampler that the settings name; one that cannot be loaded is a notice, and everything is sampled.

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
    """Return the SDK's limits from resolved settings; None means unlimited."""
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


def _limit(value: int | None) -> int:
    return SpanLimits.UNSET if value is None else value


def _installed_sampler(config: FlextObservabilityConfig, notices: Notices) -> Sampler:
    found = list(entry_points(group="opentelemetry_traces_sampler", name=config.sampler))
    problem = "is not installed"
    for entry in found:
        try:
            sampler = entry.load()(config.sampler_arg)
        except Exception as error:  # noqa: BLE001 — a sampler is somebody else's code
            problem = f"failed ({type(error).__name__}: {error})"
        else:
            if isinstance(sampler, Sampler):
                return sampler
            problem = "is not a sampler"
    notices.degrade(
        "traces",
        f"The sampler '{config.sampler}' {problem}: every trace is kept",
        "Use always_on, always_off, traceidratio or a parentbased_ one of these, or install the sampler's package",
    )
    return ParentBased(ALWAYS_ON)
