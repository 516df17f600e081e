"""Settings, ledger and exporters of a pipeline → the source of the metrics about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.pipeline.timed_calls import Attributes
from flext_observability.providers.global_providers import global_providers
from flext_observability.providers.operation_durations import exporter_attributes
from flext_observability.providers.self_metrics import Source
from flext_observability.providers.tracer import sampling_rule

if TYPE_CHECKING:
    from flext_observability.domain.overhead import Overhead
    from flext_observability.pipeline.ledger import Ledger
    from flext_observability.providers.exporters import Exporters
    from flext_observability.settings.config import FlextObservabilityConfig


def self_source(
    config: FlextObservabilityConfig, ledger: Ledger, exporters: Exporters, overhead: Callable[[], Overhead]
) -> Source:
    """Return the counts that become metrics."""
    capacities: dict[Signal, int] = {"traces": config.traces_max_queue_size, "logs": config.logs_max_queue_size}
    attributes: dict[Signal, list[Attributes]] = {
        signal: [exporter_attributes(signal, *each) for each in exporters.numbered(signal)] for signal in SIGNALS
    }
    is_known = global_providers().tracers is not None and sampling_rule(config) is not None
    return Source(ledger, capacities, overhead, attributes, samples_all_recorded=is_known)
