"""Every private name of OpenTelemetry that we use, behind functions of our own; tested with the oldest and the newest SDK.

Oldest supported SDK: 1.39.0. Newest tested: see ``constraints.txt``. A name missing in one of them is answered here, nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from inspect import signature
from threading import Lock
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from opentelemetry import context
from opentelemetry._logs import get_logger_provider
from opentelemetry._logs._internal import ProxyLoggerProvider
from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage]  # no public name
)
from opentelemetry.metrics import (
    _Gauge as Gauge,  # pyright: ignore[reportPrivateUsage]  # exported under this name only
)
from opentelemetry.metrics import get_meter_provider
from opentelemetry.metrics._internal import (
    _ProxyMeterProvider,  # pyright: ignore[reportPrivateUsage]  # no public name
)
from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider
from opentelemetry.util._decorator import (
    _AgnosticContextManager,  # pyright: ignore[reportPrivateUsage]  # no public name
    _agnosticcontextmanager,  # pyright: ignore[reportPrivateUsage]  # no public name
)

__all__ = [
    "Gauge",
    "agnostic_context_manager",
    "exports_to",
    "is_suppressed",
    "make_logger_provider",
    "no_logger_provider_yet",
    "no_meter_provider_yet",
    "no_tracer_provider_yet",
    "persistent_gauge_aggregation",
    "reset_reader_lock",
    "suppress_instrumentation",
]

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.resources import Resource

P = ParamSpec("P")
YieldT = TypeVar("YieldT")


def is_suppressed() -> bool:
    """Whether telemetry about the running code must not be recorded (it is exporting)."""
    return bool(context.get_value(_SUPPRESS_INSTRUMENTATION_KEY))


@contextmanager
def suppress_instrumentation() -> Iterator[None]:
    """Run the body without instrumentation, so that exporting is never itself exported."""
    token = context.attach(context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))  # noqa: FBT003 — OTel's signature
    try:
        yield
    finally:
        context.detach(token)


def agnostic_context_manager(
    function: Callable[P, Iterator[YieldT]],
) -> Callable[P, _AgnosticContextManager[YieldT]]:
    """Turn a generator function into what OTel's tracers return: a context manager that decorates sync and async functions."""
    make: Callable[[Any], Callable[P, _AgnosticContextManager[YieldT]]] = _agnosticcontextmanager
    return make(function)


def no_tracer_provider_yet() -> bool:
    """Whether nobody has installed a tracer provider."""
    return isinstance(_installed(get_tracer_provider), ProxyTracerProvider | None)


def no_meter_provider_yet() -> bool:
    """Whether nobody has installed a meter provider."""
    return isinstance(_installed(get_meter_provider), _ProxyMeterProvider | None)


def no_logger_provider_yet() -> bool:
    """Whether nobody has installed a logger provider."""
    return isinstance(_installed(get_logger_provider), ProxyLoggerProvider | None)


def _installed(get: Callable[[], object]) -> object | None:
    try:
        return get()
    except Exception:  # noqa: BLE001 — OTEL_PYTHON_*_PROVIDER names one that cannot be loaded: OTel has logged it
        return None


def exports_to(handler: object, provider: object) -> bool:
    """Whether a handler of standard-library logging is OpenTelemetry's own and emits to this provider; None: the global one."""
    theirs = getattr(handler, "_logger_provider", None)
    if provider is None and isinstance(theirs, ProxyLoggerProvider):
        return True  # made before there was a global one
    return theirs is not None and theirs is (provider or get_logger_provider())


def make_logger_provider(
    resource: Resource, attribute_count: int | None, attribute_length: int | None
) -> LoggerProvider:
    """Return an SDK logger provider with these limits (SDKs before limits became an argument read them from the environment)."""
    from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits

    options: dict[str, Any] = {}
    if (
        "log_record_limits" in signature(LoggerProvider).parameters
    ):  # pragma: no branch — not in the oldest SDK, which is tested apart
        count = LogRecordLimits.UNSET if attribute_count is None else attribute_count
        length = LogRecordLimits.UNSET if attribute_length is None else attribute_length
        # The general limits are given too: what is not given would be read from the environment, where it may be wrong.
        options["log_record_limits"] = LogRecordLimits(count, length, count, length)
    return LoggerProvider(resource=resource, shutdown_on_exit=False, **options)


def reset_reader_lock() -> None:
    """Free the lock that all meter providers share, in a forked child: a thread of the parent's may have been making one."""
    from opentelemetry.sdk.metrics import MeterProvider

    MeterProvider._all_metric_readers_lock = Lock()  # pyright: ignore[reportPrivateUsage]  # no public name


def persistent_gauge_aggregation() -> dict[type, Any]:
    """Return, as a reader takes it, how gauges are kept for every reading (SDKs before 1.45 show a value to one reading only)."""
    from opentelemetry.sdk.metrics import _Gauge as SdkGauge  # pyright: ignore[reportPrivateUsage]  # no other name
    from opentelemetry.sdk.metrics.view import LastValueAggregation

    class Lasting(LastValueAggregation):
        def _create_aggregation(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 — the SDK's own kind
            parent: Any = super()  # its method takes and gives private kinds
            return _lasting(parent._create_aggregation(*arguments, **options))

    return {SdkGauge: Lasting()}


def _lasting(aggregation: Any) -> Any:  # noqa: ANN401 — the SDK's own kind
    """Make the aggregation of one series give its last point again when nothing was set since."""
    collect: Callable[..., Any] = aggregation.collect
    last: Any = None

    def collect_last(temporality: object, time_ns: int) -> Any:  # noqa: ANN401 — a point
        nonlocal last
        point = collect(temporality, time_ns)
        last = replace(last, time_unix_nano=time_ns, exemplars=[]) if point is None else point
        return last

    aggregation.collect = collect_last
    return aggregation
