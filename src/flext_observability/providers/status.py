"""Running pipeline → status of each signal: active, degraded or off, with reason and fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flext_observability.adapters.instrument_table import instrument_table
from flext_observability.adapters.service_tracers import service_tracers
from flext_observability.domain.report import SIGNALS, LedgerSnapshot, Notice, Signal, SignalState, SignalStatus
from flext_observability.engine.metrics.limits import metric_limits
from flext_observability.engine.observer import observer
from flext_observability.engine.unusable import unusable_parts
from flext_observability.exporters.prometheus.name_clashes import name_clashes
from flext_observability.extensions.plugins.hooks import plugin_hooks
from flext_observability.providers.exporters import enabled_signals
from flext_observability.providers.spool import spool_notices
from flext_observability.runtime.daemon import retry_threads
from flext_observability.runtime.signals import termination_signals

if TYPE_CHECKING:
    from flext_observability.providers.bootstrap import Pipeline


def signal_statuses(pipeline: Pipeline) -> dict[Signal, SignalStatus]:
    """Return the current status of every signal."""
    retry_threads()
    ledger = pipeline.ledger.snapshot()
    return {signal: _signal_status(pipeline, signal, ledger) for signal in SIGNALS}


def _signal_status(pipeline: Pipeline, signal: Signal, ledger: LedgerSnapshot) -> SignalStatus:
    notices = tuple(notice for notice in _all_notices(pipeline) if notice.signal in {signal, "all"})
    names = pipeline.exporters.names(signal)
    cause = _degradation(pipeline, signal, notices)
    is_enabled = enabled_signals(pipeline.config)[signal]
    state: SignalState = "off"
    if not is_enabled or (not names and cause is None):
        cause = _reason_off(pipeline, signal)
    else:
        state = "active" if cause is None else "degraded"
    return SignalStatus(
        signal=signal,
        state=state,
        exporters=names if is_enabled else (),
        reason=cause.message if cause else "",
        fix=cause.fix if cause else "",
        notices=notices,
        counts=next(row for row in ledger.signals if row.signal == signal),
        deliveries=tuple(row for row in ledger.exporters if row.signal == signal),
    )


def _all_notices(pipeline: Pipeline) -> tuple[Notice, ...]:
    return (
        *pipeline.notices.all(),
        *spool_notices(pipeline.outlets.spool),
        *instrument_table().notices(),
        *service_tracers().notices(),
        *unusable_parts().notices(),
        *observer().notices(),
        *(() if pipeline.page is None else pipeline.page.notices()),
        *(() if pipeline.budget is None else pipeline.budget.notices()),
        *metric_limits().notices(),
        *name_clashes().notices(),
        *plugin_hooks().notices(),
        *_signal_notices(),
        *pipeline.redaction.notices(),
    )


def _signal_notices() -> tuple[Notice, ...]:
    problem = termination_signals().problem
    message = f"What is queued or open is lost at SIGTERM: {problem}"
    return (Notice("all", message, "Call init_observability in the main thread"),) if problem else ()


def _degradation(pipeline: Pipeline, signal: Signal, notices: tuple[Notice, ...]) -> Notice | None:
    """Return the current failure of an exporter, or the first notice that degrades the signal."""
    failure = pipeline.exporter_state.failure(signal)
    if failure is not None:
        return Notice(signal, failure.message, failure.fix, degrades=True)
    return next((notice for notice in notices if notice.degrades), None)


def _reason_off(pipeline: Pipeline, signal: Signal) -> Notice:
    if not enabled_signals(pipeline.config)[signal]:
        return Notice(signal, "Disabled by the settings", f"Set {signal}_enabled=True, and unset OTEL_SDK_DISABLED")
    if not pipeline.config.exporters.get(signal):
        return Notice(signal, f"No exporter is configured for {signal}", "Configure one, such as otlp or console")
    fix = "Configure another one, such as otlp or console"
    return Notice(signal, f"No configured exporter supports {signal}", fix)
