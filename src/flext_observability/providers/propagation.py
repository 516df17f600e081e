"""Propagator names → global propagator, which also propagates the correlation id."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry import baggage, propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, get_current, set_value
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from flext_observability.adapters.correlation import REMOTE_ID_KEY, current_correlation_id, valid_correlation_id
from flext_observability.providers.notices import Notices
from flext_observability.settings.config import FlextObservabilityConfig
from flext_observability.values.names import CORRELATION_ATTRIBUTE

PACKAGES = {
    "b3": "opentelemetry-propagator-b3",
    "b3multi": "opentelemetry-propagator-b3",
    "jaeger": "opentelemetry-propagator-jaeger",
    "xray": "opentelemetry-propagator-aws-xray",
    "ottrace": "opentelemetry-propagator-ot-trace",
}


class CorrelationPropagator(TextMapPropagator):
    """Propagates the correlation id as header and baggage, in addition to another propagator.

    Args:
        inner: Propagator of trace context and baggage.
        header: Name of the header.
    """

    def __init__(self, inner: TextMapPropagator, header: str) -> None:
        self._inner = inner
        self._header = header

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        """Extract with the inner propagator, then a valid correlation id from the header or else baggage."""
        extracted = self._inner.extract(carrier, context if context is not None else get_current(), getter)
        headers = getter.get(carrier, self._header) or getter.get(carrier, self._header.lower()) or []
        for value in [*headers, baggage.get_baggage(CORRELATION_ATTRIBUTE, extracted)]:
            remote_id = valid_correlation_id(value)
            if remote_id is not None:
                return set_value(REMOTE_ID_KEY, remote_id, extracted)
        return extracted

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        """Inject the correlation id as header and baggage, then with the inner propagator."""
        source = context if context is not None else get_current()
        correlation_id = current_correlation_id(source)
        if correlation_id is not None:
            setter.set(carrier, self._header, correlation_id)
            source = baggage.set_baggage(CORRELATION_ATTRIBUTE, correlation_id, source)
        self._inner.inject(carrier, source, setter)

    @property
    def fields(self) -> set[str]:
        """Return the names of all injected headers."""
        return {*self._inner.fields, self._header}


def install_propagators(config: FlextObservabilityConfig, notices: Notices) -> None:
    """Set OpenTelemetry's global propagator. Unknown names are notices."""
    propagators = make_propagators(config.propagators, notices)
    propagate.set_global_textmap(CorrelationPropagator(CompositePropagator(propagators), config.correlation_id_header))


def make_propagators(names: Sequence[str], notices: Notices) -> list[TextMapPropagator]:
    """Return one propagator for each distinct name, in order. ``none`` has no propagator."""
    propagators: list[TextMapPropagator] = []
    for name in dict.fromkeys(names):
        if name == "tracecontext":
            propagators.append(TraceContextTextMapPropagator())
        elif name == "baggage":
            propagators.append(W3CBaggagePropagator())
        elif name != "none":
            fix = f"pip install {PACKAGES.get(name, f'opentelemetry-propagator-{name}')}"
            propagator = notices.load("traces", "propagator", name, lambda create: create(), install_fix=fix)
            propagators.extend([propagator] if propagator is not None else [])
    return propagators
