"""Both ways between our metrics and a ``prometheus_client`` registry."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from threading import local
from traceback import walk_tb
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.result import FlextResult
from flext_observability.exporters.prometheus.name_clashes import add_clash, name_clashes
from flext_observability.runtime.internal_log import report_once, warn_once
from flext_observability.runtime.keyed_calls import KeyedCalls
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.exceptions import describe_error
from flext_observability.values.foreign import type_name
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData
    from prometheus_client import CollectorRegistry, Metric
    from prometheus_client.registry import Collector

COLLECT_SECONDS: Final = 2.5
_MAX_COLLECTIONS: Final = 4
_ON_CLASH: Final = partial(add_clash, "The page of prometheus_client")
_logger: Final = logging.getLogger("flext_observability.prometheus")


class _ThreadState(local):
    """Whether this thread collects a registry for us, without our own metrics."""

    without_ours = False


_thread: Final = _ThreadState()


def program_metrics() -> list[Metric]:
    """Return the metrics that the program keeps in the default registry of ``prometheus_client``.

    Does not import the library. A collector that raises loses its own metrics. Those after a collector that takes more
    than 2.5 s are omitted.
    """
    # Another thread may be in the middle of the import.
    registry: CollectorRegistry | None = getattr(sys.modules.get("prometheus_client"), "REGISTRY", None)
    if registry is None:
        return []
    if _thread.without_ours:  # called by a collector, which would wait for itself
        return _collect_others(registry, [])
    return _collect_within(registry, COLLECT_SECONDS)


def _collect_within(registry: CollectorRegistry, seconds: float) -> list[Metric]:
    found: list[Metric] = []  # those before a late collector
    work = partial(_collect_others, registry, found)
    call = current_runtime().get(_collections).join((id(registry),), work, seconds)
    if call is not None and call.ended_within(seconds):
        return call.future.result()
    why = "no thread is free" if call is None else f"a collector does not return, in {call.place()}"
    warn_once(_logger, f"The metrics of prometheus_client are incomplete: {why}. Make the collector return.")
    return list(found)


def _collections() -> KeyedCalls[list[Metric]]:
    return KeyedCalls("flext-registry", _MAX_COLLECTIONS, 1)


def _collect_others(registry: CollectorRegistry, found: list[Metric]) -> list[Metric]:
    before, _thread.without_ours = _thread.without_ours, True
    try:
        error = _extend(found, registry)
        for collector in () if error is None else _collectors_after(error, registry):
            _extend(found, collector)
    finally:
        _thread.without_ours = before
    return found


def _extend(found: list[Metric], collector: Collector) -> BaseException | None:
    """Add the metrics of a collector, up to an exception, which is reported once and returned."""
    try:
        for metric in collector.collect():
            found.append(metric)  # noqa: PERF402 - those before an exception are kept
    except BaseException as error:  # noqa: BLE001 - a collector of the program
        reraise_interrupt(error)
        report_once("Collecting a registry of prometheus_client", error)
        return error
    return None


def _collectors_after(error: BaseException, registry: CollectorRegistry) -> list[Collector]:
    """Return the collectors of a registry that come after the one that raised; none if they are not known.

    A registry has no public list of them. The frame that raised has it.
    """
    for frame, _ in walk_tb(error.__traceback__):
        variables = frame.f_locals
        if variables.get("self") is registry and "collectors" in variables:
            collectors: list[Collector] = list(variables["collectors"])
            last = [each is variables["collector"] for each in collectors].index(True)
            return collectors[last + 1 :]
    return []


@final
class RegistryCollector:
    """A collector for ``prometheus_client`` registries that publishes our metrics.

    Two collectors of one registry are equal, so that a second registration changes nothing.

    Args:
        collect: Returns all cumulative metric points; None while telemetry is not started.
        registry: The registry that the collector is registered with. Its own metrics keep their names. Ours of the same
            name are omitted and reported once.
    """

    def __init__(self, collect: Callable[[], MetricsData | None], registry: CollectorRegistry) -> None:
        self._collect = collect
        self._registry = registry

    def __eq__(self, other: object) -> bool:
        return type(other) is RegistryCollector and other._registry is self._registry

    def __hash__(self) -> int:
        return hash((RegistryCollector, id(self._registry)))

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the names are not known before the start."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield our metrics. Never raises."""
        if _thread.without_ours:
            return
        try:
            metrics = list(self._metrics())
        except BaseException as error:  # noqa: BLE001 - the other collectors of the registry must be served
            reraise_interrupt(error)
            report_once("Publishing metrics to prometheus_client", error)
            return
        yield from metrics

    def _metrics(self) -> Iterator[Metric]:
        from prometheus_client.openmetrics import parser

        from flext_observability.wire.prometheus.from_points import families
        from flext_observability.wire.prometheus.from_registry import claimed_names
        from flext_observability.wire.prometheus.text import generate_text

        data = self._collect()
        if data is None:
            return
        claimed = {name for metric in _collect_others(self._registry, []) for name in claimed_names(metric)}
        parse: Callable[[str], Iterable[Metric]] = vars(parser)["text_string_to_metric_families"]  # it has no types
        for metric in parse(generate_text(families(data), openmetrics=True, on_clash=_ON_CLASH)):
            if claimed.isdisjoint(claimed_names(metric)):
                yield metric
            else:
                name_clashes().add(f"{metric.name} is not published: the registry has a metric of that name")


def publish(registry: CollectorRegistry | None, collect: Callable[[], MetricsData | None]) -> FlextResult[None]:
    """Register a ``RegistryCollector`` with a registry, by default the default one. Idempotent.

    Failures: ``missing_package``, ``invalid_argument``.
    """
    try:
        from prometheus_client import REGISTRY
    except ImportError:
        message = "prometheus_client cannot be imported: it is not installed"
        return FlextResult[None].fail(message, code="missing_package", fix="pip install prometheus-client")
    target = REGISTRY if registry is None else registry
    try:
        target.register(RegistryCollector(collect, target))
    except BaseException as error:  # noqa: BLE001 - an object of any type
        reraise_interrupt(error)
        message = f"{type_name(target)} is not a registry of prometheus_client: {describe_error(error)}"
        return FlextResult[None].fail(message, code="invalid_argument", fix="Pass a CollectorRegistry")
    return FlextResult[None].ok(None)
