"""A running configuration → the status of each signal: active, degraded or off, why, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flext_observability.adapters.metric import conflict_notices
from flext_observability.domain.report import SIGNALS, LedgerSnapshot, Notice, Signal, SignalState, SignalStatus
from flext_observability.extensions.plugins.hooks import plugin_hooks
from flext_observability.providers.exporting import enabled_signals

if TYPE_CHECKING:
    from flext_observability.providers.bootstrap import RunningPipeline


def describe(running: RunningPipeline) -> dict[Signal, SignalStatus]:
    """Return the status of every signal at this moment."""
    ledger = running.ledger.snapshot()
    return {signal: _describe(running, signal, ledger) for signal in SIGNALS}


def _describe(running: RunningPipeline, signal: Signal, ledger: LedgerSnapshot) -> SignalStatus:
    found = (*running.notices.all(), *conflict_notices(), *plugin_hooks().notices())
    notices = tuple(notice for notice in found if notice.signal in {signal, "all"})
    names = running.exporters.names(signal)
    cause = _cause(running, signal, notices)
    wanted = enabled_signals(running.config)[signal]
    state: SignalState = "off"
    if not wanted or (not names and cause is None):
        cause = _why_off(running, signal)
    else:
        state = "active" if cause is None else "degraded"
    return SignalStatus(
        signal=signal,
        state=state,
        exporters=names if wanted else (),
        reason=cause.message if cause else "",
        fix=cause.fix if cause else "",
        notices=notices,
        counts=next(row for row in ledger.signals if row.signal == signal),
        deliveries=tuple(row for row in ledger.exporters if row.signal == signal),
    )


def _cause(running: RunningPipeline, signal: Signal, notices: tuple[Notice, ...]) -> Notice | None:
    """Return what keeps the signal from working as asked: trouble of this moment first, then start-up's first finding."""
    trouble = running.watch.failure(signal)
    if trouble is not None:
        return Notice(signal, trouble.message, trouble.fix, degrades=True)
    return next((notice for notice in notices if notice.degrades), None)


def _why_off(running: RunningPipeline, signal: Signal) -> Notice:
    if not enabled_signals(running.config)[signal]:
        fix = f"Set {signal}_enabled=True, and OTEL_SDK_DISABLED not to true"
        return Notice(signal, "Switched off by the settings", fix)
    if not running.config.exporters.get(signal):
        return Notice(signal, f"The settings name no exporter for {signal}", "Name one, such as otlp or console")
    return Notice(
        signal, f"No exporter that the settings name carries {signal}", "Name one that does, such as otlp or console"
    )
