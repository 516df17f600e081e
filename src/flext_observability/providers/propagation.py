"""Propagator names → global propagator, which also propagates the correlation id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from opentelemetry import baggage, propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import (
    CarrierT,
    DefaultGetter,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from flext_observability.adapters.carrier import HeaderGetter, HeaderSetter, TolerantGetter, read_carrier
from flext_observability.adapters.correlation import current_correlation_id, valid_correlation_id
from flext_observability.adapters.id_holder import with_new_holder
from flext_observability.providers.notices import Notices
from flext_observability.runtime.internal_log import report_once
from flext_observability.settings.config import FlextObservabilityConfig
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import CORRELATION_ATTRIBUTE

T = TypeVar("T")
Redact = Callable[[str, str], str]
"""Name and value of a baggage entry → the value that leaves the process."""

PACKAGES = {
    "b3": "opentelemetry-propagator-b3",
    "b3multi": "opentelemetry-propagator-b3",
    "jaeger": "opentelemetry-propagator-jaeger",
    "xray": "opentelemetry-propagator-aws-xray",
    "ottrace": "opentelemetry-propagator-ot-trace",
}


def _unchanged(_name: str, value: str) -> str:
    return value


class IndependentPropagators(TextMapPropagator):
    """Several propagators in order. One that raises is skipped."""

    def __init__(self, propagators: Sequence[TextMapPropagator]) -> None:
        self._propagators = tuple(propagators)

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        """Extract with each propagator."""
        extracted = context if context is not None else get_current()
        for each in self._propagators:
            extracted = _contained("Extracting", partial(each.extract, carrier, extracted, getter), extracted)
        return extracted

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        """Inject with each propagator."""
        for each in self._propagators:
            _contained("Injecting", partial(each.inject, carrier, context, setter), None)

    @property
    def fields(self) -> set[str]:
        """Return the names of all injected headers."""
        return {field for each in self._propagators for field in each.fields}


class CorrelationPropagator(TextMapPropagator):
    """Propagates the correlation id as header and baggage, in addition to another propagator.

    Args:
        inner: Propagator of trace context and baggage.
        header: Name of the header.
        redact: Name and value of a baggage entry → the value that leaves the process.
    """

    def __init__(self, inner: TextMapPropagator, header: str, redact: Redact = _unchanged) -> None:
        self._inner = inner
        self._header = header
        self._redact = redact

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        """Extract with the inner propagator, then a valid correlation id from the header or else baggage.

        The context has an id of its own, or none: it inherits none from the context in which the request arrives.
        """
        headers, reader = self._readable(carrier, getter)
        base = context if context is not None else get_current()
        extracted = _contained("Extracting", lambda: self._inner.extract(headers, base, reader), base)
        values = [*(reader.get(headers, self._header) or ()), baggage.get_baggage(CORRELATION_ATTRIBUTE, extracted)]
        return with_new_holder(extracted, next(filter(None, map(valid_correlation_id, values)), None))

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        """Inject the correlation id as header and baggage, then with the inner propagator."""
        source = context if context is not None else get_current()
        correlation_id = current_correlation_id(source)
        writer: Setter[Any] = HeaderSetter() if setter is default_setter else setter
        if correlation_id is not None:
            _contained("Injecting", partial(writer.set, carrier, self._header, correlation_id), None)
            source = baggage.set_baggage(CORRELATION_ATTRIBUTE, correlation_id, source)
        source = _contained("Redacting baggage of", partial(self._redacted, source), baggage.clear(source))
        _contained("Injecting", partial(self._inner.inject, carrier, source, writer), None)
        if isinstance(writer, HeaderSetter) and writer.error is not None and writer is not setter:
            report_once("Injecting context", writer.error)

    def _redacted(self, context: Context) -> Context:
        """Return a context whose baggage has no secrets."""
        for name, value in baggage.get_all(context).items():
            text = str(value)
            shown = self._redact(name, text)
            if shown != text:
                context = baggage.set_baggage(name, shown, context)
        return context

    def _readable(self, carrier: CarrierT, getter: Getter[CarrierT]) -> tuple[Any, Getter[Any]]:
        """Return headers and a getter for names in any case, without values of a wrong type."""
        if isinstance(getter, DefaultGetter):
            return read_carrier(carrier, lambda: self.fields).headers, HeaderGetter()
        if isinstance(getter, HeaderGetter):
            return carrier, getter
        return carrier, TolerantGetter(getter)

    @property
    def fields(self) -> set[str]:
        """Return the names of all injected headers."""
        return {*self._inner.fields, self._header}


def install_propagators(config: FlextObservabilityConfig, notices: Notices, redact: Redact = _unchanged) -> None:
    """Set OpenTelemetry's global propagator. Unknown names are notices.

    Args:
        config: Resolved configuration.
        notices: Receives the notices.
        redact: Name and value of a baggage entry → the value that leaves the process.
    """
    propagators = make_propagators(config.propagators, notices)
    propagate.set_global_textmap(
        CorrelationPropagator(IndependentPropagators(propagators), config.correlation_id_header, redact)
    )


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


def _contained(action: str, run: Callable[[], T], default: T) -> T:
    """Return the outcome, or the default if it raises: another library's code runs in a request of the program."""
    try:
        return run()
    except BaseException as error:  # noqa: BLE001 - a foreign propagator, getter or setter
        reraise_interrupt(error)
        report_once(f"{action} context", error)
        return default
