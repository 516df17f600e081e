"""Tracer provider for OTel's global, and its tracers. They forward calls to a replaceable delegate."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from opentelemetry.trace import NoOpTracer, NoOpTracerProvider, TracerProvider

from flext_observability.engine.added_parts import added_parts
from flext_observability.engine.attribute_filling import FilledProvider
from flext_observability.engine.contained_processor import contain_added
from flext_observability.engine.tracer import EngineTracer
from flext_observability.engine.unusable import unusable_parts
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import SERVICE_NAME_ATTRIBUTE

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes

Route = Callable[[str], TracerProvider]
"""Service name → the provider for its spans."""
Add = Callable[[Any], object]
"""Adds a span processor."""


class DelegatingTracer(EngineTracer):
    """Tracer with a replaceable delegate. It creates the spans of the engine itself."""

    def __init__(self, name: str, version: str | None, schema_url: str | None, attributes: Attributes) -> None:
        self._scope = (name, version, schema_url, attributes)
        self._service = (attributes or {}).get(SERVICE_NAME_ATTRIBUTE)
        self.delegate = NoOpTracerProvider().get_tracer(name)
        super().__init__(None)

    def set_delegate(self, provider: TracerProvider, route: Route | None) -> None:
        """Replace the delegate with the tracer of the same scope from another provider.

        Args:
            provider: Provider of the new delegate.
            route: Selects the provider for a scope with a service name; None for ``provider``.
        """
        try:
            if route is not None and isinstance(self._service, str):
                provider = route(self._service)
            delegate = provider.get_tracer(*self._scope)
        except BaseException as error:  # noqa: BLE001 - a provider may raise anything; the other tracers are created
            reraise_interrupt(error)
            unusable_parts().add("traces", "tracer", self._scope[0], error)
            delegate = NoOpTracer()
        self.filling = provider.filling if type(provider) is FilledProvider else None
        self.delegate = delegate
        self.options = delegate.options if type(delegate) is EngineTracer else None


class DelegatingTracerProvider(TracerProvider):
    """Provider for OTel's global. It lives as long as the process; ``set_delegate`` replaces its delegate."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._tracers: WeakSet[DelegatingTracer] = WeakSet()
        self._delegate: TracerProvider = NoOpTracerProvider()
        self._route: Route | None = None
        self._add: Add | None = None

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> DelegatingTracer:
        """Return a tracer that follows the delegate."""
        tracer = DelegatingTracer(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)
        with self._lock:
            tracer.set_delegate(self._delegate, self._route)
            self._tracers.add(tracer)
        return tracer

    def set_delegate(self, provider: TracerProvider, route: Route | None = None, add: Add | None = None) -> None:
        """Replace the delegate, for existing and new tracers. It gets the processors that the program has added.

        Args:
            provider: The new delegate.
            route: Selects the provider for a scope with a service name; None for ``provider``.
            add: Adds a processor to all these providers; None for the method of ``provider``.
        """
        with self._lock:
            unusable_parts().clear("traces")
            self._delegate, self._route = provider, route
            self._add = add or getattr(provider, "add_span_processor", None)
            for processor in added_parts().of("traces"):
                if self._add is not None:
                    self._add(processor)
            for tracer in list(self._tracers):
                tracer.set_delegate(provider, route)

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the delegate that the API does not have, such as ``resource``."""
        if name.startswith("_"):
            raise AttributeError(name)
        if name == "add_span_processor" and self._add is not None:
            return contain_added(self._add, "traces")
        return getattr(self._delegate, name)
