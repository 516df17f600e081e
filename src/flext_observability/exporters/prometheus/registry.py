"""Both ways between our metrics and a ``prometheus_client`` registry."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from threading import local
from typing import TYPE_CHECKING, Any, Final, final
from weakref import WeakSet

from flext_observability.domain.result import FlextResult
from flext_observability.runtime.internal_log import log_warning, report_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.owner import current_runtime
from flext_observability.values.exceptions import describe_error

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData
    from prometheus_client import CollectorRegistry, Metric

_logger: Final = logging.getLogger("flext_observability.prometheus")


class _ThreadState(local):
    """Whether this thread collects a registry for us, without our own metrics."""

    without_ours = False


_thread: Final = _ThreadState()


def program_metrics() -> list[Metric]:
    """Return the metrics that the program keeps in the default registry of ``prometheus_client``.

    The library is not imported for that. A collector that raises costs the metrics after it.
    """
    module: Any = sys.modules.get("prometheus_client")
    return [] if module is None else _collect_others(module.REGISTRY)


def _collect_others(registry: CollectorRegistry) -> list[Metric]:
    found: list[Metric] = []
    _thread.without_ours = True
    try:
        for metric in registry.collect():
            found.append(metric)  # noqa: PERF402 - those before an exception are kept
    except Exception as error:  # noqa: BLE001 - a collector of the program
        report_once("Collecting a registry of prometheus_client", error)
    finally:
        _thread.without_ours = False
    return found


@final
class RegistryCollector:
    """A collector for ``prometheus_client`` registries that publishes our metrics.

    Args:
        collect: Returns all cumulative metric points; None while telemetry is not started.
        registry: The registry that the collector is registered with. Its own metrics keep their names: of ours, those with
            the same name are omitted, and reported once.
    """

    def __init__(self, collect: Callable[[], MetricsData | None], registry: CollectorRegistry) -> None:
        self._collect = collect
        self._registry = registry
        self._reported: set[str] = set()

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the names are not known before the start."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield our metrics. Never raises."""
        if _thread.without_ours:
            return
        try:
            metrics = list(self._metrics())
        except Exception as error:  # noqa: BLE001 - the other collectors of the registry must be served
            report_once("Publishing metrics to prometheus_client", error)
            return
        yield from metrics

    def _metrics(self) -> Iterator[Metric]:
        from prometheus_client.openmetrics import parser

        from flext_observability.wire.prometheus.from_sdk import families
        from flext_observability.wire.prometheus.text import generate_text

        data = self._collect()
        if data is None:
            return
        taken = {metric.name for metric in _collect_others(self._registry)}
        parse: Callable[[str], Iterable[Metric]] = vars(parser)["text_string_to_metric_families"]  # it has no types
        for metric in parse(generate_text(families(data), openmetrics=True)):
            if metric.name in taken:
                self._report(metric.name)
            else:
                yield metric

    def _report(self, name: str) -> None:
        if name not in self._reported:
            self._reported.add(name)
            log_warning(
                _logger, f"{name} is not published: the registry has a metric of that name. Rename one of them."
            )


class _Published:
    """Registries that have our collector."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.registries: WeakSet[CollectorRegistry] = WeakSet()


def publish(registry: CollectorRegistry | None, collect: Callable[[], MetricsData | None]) -> FlextResult[None]:
    """Register a ``RegistryCollector`` with a registry, by default the default one, once.

    Failures: ``missing_package``, ``invalid_argument``.
    """
    try:
        from prometheus_client import REGISTRY
    except ImportError:
        message = "prometheus_client cannot be imported: it is not installed"
        return FlextResult[None].fail(message, code="missing_package", fix="pip install prometheus-client")
    target = REGISTRY if registry is None else registry
    published = current_runtime().get(_Published)
    try:
        with published.lock:
            if target not in published.registries:
                target.register(RegistryCollector(collect, target))
                published.registries.add(target)
    except Exception as error:  # noqa: BLE001 - an object of any type
        message = f"{type(target).__name__} is not a registry of prometheus_client: {describe_error(error)}"
        return FlextResult[None].fail(message, code="invalid_argument", fix="Pass a CollectorRegistry")
    return FlextResult[None].ok(None)
