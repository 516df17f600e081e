from __future__ import annotations

from flext_observability.domain.report import (
    SIGNALS,
    ExporterCounts,
    FlushReport,
    LedgerSnapshot,
    ShutdownReport,
    SignalCounts,
    SignalStatus,
)

LEDGER = LedgerSnapshot(
    signals=(SignalCounts("traces", started=10, finished=10),),
    exporters=(
        ExporterCounts("traces", "otlp_http", finished=10, queued=1, in_flight=2, exported=4, dropped={"rejected": 3}),
        ExporterCounts("logs", "otlp_http", finished=6, exported=1, dropped={"rejected": 1, "timeout": 4}),
    ),
)


def test_ledger_sums_over_signals_and_exporters() -> None:
    assert LEDGER.exported == 5
    assert LEDGER.queued == 3
    assert LEDGER.total == 16
    assert LEDGER.dropped == {"rejected": 4, "timeout": 4}


def test_an_empty_ledger_counts_zero() -> None:
    empty = LedgerSnapshot()

    assert (empty.exported, empty.queued, empty.dropped) == (0, 0, {})


def test_reports_read_the_ledger() -> None:
    for report in (FlushReport(True, 0.1, LEDGER), ShutdownReport(True, 0.1, LEDGER)):
        assert (report.exported, report.queued, report.dropped) == (5, 3, {"rejected": 4, "timeout": 4})


def test_signals_have_a_fixed_order() -> None:
    assert SIGNALS == ("traces", "metrics", "logs")
    assert SignalStatus("traces", "active").notices == ()
