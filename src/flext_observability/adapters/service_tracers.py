"""Service name → tracer whose spans have that service name, for a bounded number of names (API only)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, final

from opentelemetry import trace as otel_trace

from flext_observability.domain.report import Notice
from flext_observability.domain.result import compose_message
from flext_observability.runtime.internal_log import warn_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.encoding import preview
from flext_observability.values.names import SCOPE_NAME, SERVICE_NAME_ATTRIBUTE

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

MAX_SERVICE_NAMES: Final = 64
"""Maximum number of service names with a resource of their own, besides the name of the process."""
_FIX: Final = "Name the services of a program, and put what varies into attributes"
_logger: Final = logging.getLogger("flext_observability")


@final
class ServiceTracers:
    """Tracers by service name. Thread-safe. A program may generate names: those beyond the maximum get no tracer."""

    __slots__ = ("_by_name", "_first_surplus", "_lock", "_surplus_spans")

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._by_name: dict[str, Tracer] = {}
        self._first_surplus = ""
        self._surplus_spans = 0

    def process_tracer(self) -> Tracer:
        """Return the tracer whose spans have the service name of the process."""
        found = self._by_name.get("")
        return self._by_name.setdefault("", otel_trace.get_tracer(SCOPE_NAME)) if found is None else found

    def find(self, service_name: str) -> Tracer | None:
        """Return the tracer of a service name, which is not empty; None, and count a span, for a surplus name."""
        found = self._by_name.get(service_name)
        if found is not None:
            return found
        with self._lock:
            if len(self._by_name) - ("" in self._by_name) < MAX_SERVICE_NAMES:
                tracer = otel_trace.get_tracer(SCOPE_NAME, attributes={SERVICE_NAME_ATTRIBUTE: service_name})
                return self._by_name.setdefault(service_name, tracer)
            self._surplus_spans += 1
            is_first = not self._first_surplus
            self._first_surplus = self._first_surplus or service_name
        if is_first:
            warn_once(_logger, compose_message(self._message(), _FIX), key=ServiceTracers)
        return None

    def notices(self) -> tuple[Notice, ...]:
        """Return a notice when there are surplus names."""
        if not self._first_surplus:
            return ()
        return (Notice("traces", f"{self._message()} (spans: {self._surplus_spans})", _FIX),)

    def _message(self) -> str:
        return (
            f"More than {MAX_SERVICE_NAMES} service names: spans of {preview(self._first_surplus)} and of further "
            f"names have the resource of this process, and their service as the attribute {SERVICE_NAME_ATTRIBUTE}"
        )


def service_tracers() -> ServiceTracers:
    """Return the tracers of the process."""
    return current_runtime().get(ServiceTracers)
