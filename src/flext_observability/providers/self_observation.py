"""Settings → what observes a pipeline: self-metrics and the overhead budget. Without them their modules stay out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flext_observability.runtime.runtime import current_runtime

if TYPE_CHECKING:
    from flext_observability.domain.overhead import Overhead
    from flext_observability.pipeline.ledger import Ledger
    from flext_observability.providers.exporters import Exporters
    from flext_observability.providers.operation_durations import OperationDurations
    from flext_observability.providers.overhead import OverheadMeter
    from flext_observability.providers.overhead_budget import OverheadBudget
    from flext_observability.providers.tracer import ServiceTracers
    from flext_observability.settings.config import FlextObservabilityConfig


def operation_durations(config: FlextObservabilityConfig) -> OperationDurations | None:
    """Return the histograms of durations; None without self-metrics."""
    if not config.self_metrics:
        return None
    from flext_observability.providers.operation_durations import OperationDurations

    return current_runtime().get(OperationDurations)


def begin_self_metrics(
    config: FlextObservabilityConfig, ledger: Ledger, exporters: Exporters, overhead: Callable[[], Overhead]
) -> None:
    """Export metrics about a pipeline, if the settings say so."""
    if config.self_metrics:
        from flext_observability.providers.self_metrics import self_metrics
        from flext_observability.providers.self_source import self_source

        self_metrics().observe(self_source(config, ledger, exporters, overhead))


def begin_budget(
    config: FlextObservabilityConfig, meter: Callable[[], OverheadMeter], ledger: Ledger, tracers: ServiceTracers | None
) -> OverheadBudget | None:
    """Begin to keep the budget of the settings, and return it; None for none.

    Args:
        config: Resolved configuration.
        meter: Returns the measure of the cost.
        ledger: Counts what is left out.
        tracers: The tracer providers; None for those of another library, or without traces.
    """
    if config.overhead_budget_percent is None:
        return None
    from flext_observability.providers.overhead_budget import current_budget, make_budget

    budget = make_budget(config.overhead_budget_percent, meter(), ledger, tracers)
    current_budget().use(ledger, budget)
    return budget


def release(ledger: Ledger, config: FlextObservabilityConfig) -> None:
    """Stop observing a pipeline that has ended."""
    if config.self_metrics:
        from flext_observability.providers.self_metrics import self_metrics

        self_metrics().release(ledger)
    if config.overhead_budget_percent is not None:
        from flext_observability.providers.overhead_budget import current_budget

        current_budget().release(ledger)
