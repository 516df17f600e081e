"""Private names of OpenTelemetry, behind functions of our own. Tested with the oldest and the newest SDK.

Oldest supported SDK: 1.39.0. Newest tested SDK: see ``constraints.txt``. Differences are handled here only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from inspect import signature
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any, cast

from opentelemetry import context
from opentelemetry._logs import get_logger_provider
from opentelemetry._logs._internal import ProxyLoggerProvider
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY  # pyright: ignore[reportPrivateUsage]  # no public name
from opentelemetry.metrics import _Gauge  # pyright: ignore[reportPrivateUsage]  # no public name
from opentelemetry.metrics._internal import _ProxyMeterProvider  # pyright: ignore[reportPrivateUsage]  # no public name
from opentelemetry.trace import ProxyTracerProvider
from opentelemetry.util._decorator import (
    _AgnosticContextManager,  # pyright: ignore[reportPrivateUsage]  # no public name
)

from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.attributes import BoundedAttributes
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor

AgnosticContextManager = _AgnosticContextManager
"""Class of the context managers that OTel's tracers return. They decorate sync and async functions."""
_DELTA = 1
"""``AggregationTemporality.DELTA``, without the import of the SDK."""
Gauge = _Gauge
"""OTel's synchronous gauge."""
SUPPRESSED = _SUPPRESS_INSTRUMENTATION_KEY
"""Key of a context in which instrumentation is suppressed."""
HANDLER_PROVIDER = "_logger_provider"
"""Attribute of OpenTelemetry's logging handlers; others do not have it."""


def is_suppressed(current: Context | None = None) -> bool:
    """Return whether instrumentation is suppressed: the running code is exporting.

    Args:
        current: The current context, if the caller has it.
    """
    return bool(context.get_value(_SUPPRESS_INSTRUMENTATION_KEY, current))


@contextmanager
def suppress_instrumentation() -> Iterator[None]:
    """Run the body without instrumentation, so that exports are not traced."""
    token = context.attach(context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))  # noqa: FBT003 - OTel's signature
    try:
        yield
    finally:
        context.detach(token)


def set_items(attributes: BoundedAttributes, items: Mapping[str, Any]) -> None:
    """Set attributes together, as the span of the SDK does. The oldest SDK sets one after another."""
    update: Callable[[Mapping[str, Any]], None] = getattr(attributes, "_set_items", attributes.update)
    update(items)


def fill_attributes(span: Any, attributes: dict[str, Any]) -> None:  # noqa: ANN401 - private fields
    """Set attributes of a new span of the SDK, before those that it has. They need no check, and may be kept as given.

    A span that is not recorded ignores them. An SDK with other fields checks them.
    """
    bounded: Any = getattr(span, "_attributes", None)
    held: object = getattr(bounded, "_dict", None)
    if type(held) is not dict:
        span.set_attributes(attributes)
        return
    kept = cast("dict[str, Any]", held)
    for name in kept:
        attributes.pop(name, None)  # set again, it is the last one
    attributes.update(kept)
    bounded._dict = attributes


def is_unset(get: Callable[[], object]) -> bool:
    """Return whether a global has no provider. ``get`` returns the global, such as ``get_tracer_provider``."""
    try:
        provider = get()
    except BaseException as error:  # noqa: BLE001 - OTEL_PYTHON_*_PROVIDER is invalid, which OTel has logged
        reraise_interrupt(error)
        return True
    return isinstance(provider, ProxyTracerProvider | _ProxyMeterProvider | ProxyLoggerProvider | None)


def exports_to(handler: object, provider: object) -> bool:
    """Return whether a logging handler is OpenTelemetry's and emits to this provider (None: the global provider)."""
    target = getattr(handler, HANDLER_PROVIDER, None)
    if provider is None and isinstance(target, ProxyLoggerProvider):
        return True  # the handler was created before the global provider was set
    return target is not None and target is (provider or get_logger_provider())


def make_log_record_limits(attribute_count: int | None, attribute_length: int | None) -> LogRecordLimits:
    """Return the SDK's limits of log records; None is unlimited."""
    from opentelemetry.sdk._logs import LogRecordLimits

    unlimited: int = getattr(LogRecordLimits, "UNSET", sys.maxsize)  # not in the oldest SDK
    count = unlimited if attribute_count is None else attribute_count
    length = unlimited if attribute_length is None else attribute_length
    # The SDK reads missing general limits from the environment, where they may be invalid. Old SDKs have no others.
    return LogRecordLimits(*(count, length) * (len(signature(LogRecordLimits).parameters) // 2))


def make_logger_provider(
    resource: Resource, attribute_count: int | None, attribute_length: int | None
) -> LoggerProvider:
    """Return an SDK logger provider with these limits. Old SDKs read the limits from the environment instead."""
    from opentelemetry.sdk._logs import LoggerProvider

    options: dict[str, Any] = {}
    if "log_record_limits" in signature(LoggerProvider).parameters:  # pragma: no branch - not in the oldest SDK
        options["log_record_limits"] = make_log_record_limits(attribute_count, attribute_length)
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False, **options)
    # A signal handler may log for the first time while its thread holds one of them. Old SDKs have only the first.
    for name in ("_logger_cache_lock", "_active_loggers_lock"):
        if hasattr(provider, name):  # pragma: no branch - not in the oldest SDK
            setattr(provider, name, RLock())
    return provider


def release_reader(reader: MetricReader) -> None:
    """Let another meter provider of the SDK accept a reader."""
    from opentelemetry.sdk.metrics import MeterProvider

    provider: Any = MeterProvider  # it has no public name for them
    provider._all_metric_readers.discard(reader)


def reset_reader_lock() -> None:
    """Replace the lock shared by all meter providers, in a forked child. A thread of the parent may hold it."""
    provider: Any = getattr(sys.modules.get("opentelemetry.sdk.metrics"), "MeterProvider", None)
    if provider is not None:
        provider._all_metric_readers_lock = Lock()  # no public name


def persistent_gauge_aggregation() -> dict[type, Any]:
    """Return a reader's aggregation for gauges that reports the last value in every collection.

    SDKs before 1.45 report a value in one collection only.
    """
    from opentelemetry.sdk.metrics import _Gauge as SdkGauge  # pyright: ignore[reportPrivateUsage]  # no other name
    from opentelemetry.sdk.metrics.view import LastValueAggregation

    class PersistentLastValue(LastValueAggregation):
        def _create_aggregation(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - a private type
            parent: Any = super()  # the method has private types
            return _repeat_last_point(parent._create_aggregation(*arguments, **options))

    return {SdkGauge: PersistentLastValue()}


def _repeat_last_point(aggregation: Any) -> Any:  # noqa: ANN401 - a private type of the SDK
    """Change the aggregation of one series to return its last point again when no value was set since."""
    collect: Callable[..., Any] = aggregation.collect
    last: Any = None

    def collect_last(temporality: object, time_ns: int) -> Any:  # noqa: ANN401 - a point
        nonlocal last
        point = collect(temporality, time_ns)
        if point is None and last is not None:
            point = replace(last, time_unix_nano=time_ns, exemplars=[])
        last = point
        return last

    aggregation.collect = collect_last
    return aggregation


SPAN_CALLS = ("on_start", "_on_ending", "on_end")
"""Methods of a span processor that are called for each span. The oldest SDK does not have the second."""


def on_ending(processor: SpanProcessor) -> Callable[[Any], object] | None:
    """Return the function of a span processor for a span that is ending. The oldest SDK has none.

    Source: https://opentelemetry.io/docs/specs/otel/trace/sdk/#onending
    """
    return getattr(processor, "_on_ending", None)


_KINDS = {
    "_Counter": "counter",
    "_UpDownCounter": "up_down_counter",
    "_Histogram": "histogram",
    "_Gauge": "gauge",
    "_ObservableCounter": "observable_counter",
    "_ObservableUpDownCounter": "observable_up_down_counter",
    "_ObservableGauge": "observable_gauge",
}


def delta_kinds(reader: MetricReader) -> set[str]:
    """Return the kinds of instruments, such as ``up_down_counter``, whose deltas a reader prefers."""
    preferred: Mapping[Any, int] = reader._instrument_class_temporality  # pyright: ignore[reportPrivateUsage]
    return {_KINDS[kind.__name__] for kind, temporality in preferred.items() if temporality == _DELTA}


def has_own_aggregation(reader: MetricReader) -> bool:
    """Return whether a reader prefers other aggregations than the default of each kind."""
    from opentelemetry.sdk.metrics.view import DefaultAggregation

    preferred: Mapping[Any, Any] = reader._instrument_class_aggregation  # pyright: ignore[reportPrivateUsage]
    return any(type(each) is not DefaultAggregation for each in preferred.values())


def connect_reader(reader: MetricReader, collect: Callable[[], object] | None) -> None:
    """Set where a reader gets its metrics from; None disconnects it."""

    def collect_for_reader(*_: object, **__: object) -> Any:  # noqa: ANN401 - the arguments are of a private form
        return None if collect is None else collect()

    callback = None if collect is None else collect_for_reader
    reader._set_collect_callback(callback)  # pyright: ignore[reportPrivateUsage]  # no public name


_STABILITY_VARIABLE = "OTEL_SEMCONV_STABILITY_OPT_IN"


def prefer_stable_http() -> None:
    """Make OpenTelemetry's instrumentations use the stable names of HTTP, unless the environment selects names.

    They read the variable once in a process. It is set for this moment only, so that children do not inherit it.

    Source: https://opentelemetry.io/docs/specs/semconv/non-normative/http-migration/
    """
    module = sys.modules.get("opentelemetry.instrumentation._semconv")
    stability: Any = getattr(module, "_OpenTelemetrySemanticConventionStability", None)
    if stability is None or _STABILITY_VARIABLE in os.environ:
        return
    os.environ[_STABILITY_VARIABLE] = "http"
    try:
        stability._initialize()
    finally:
        del os.environ[_STABILITY_VARIABLE]
