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


def test_losses_are_named_by_exporter_and_reason() -> None:
    before = LedgerSnapshot(signals=(SignalCounts("metrics", dropped={"instrument_conflict": 2}),))
    assert LEDGER.losses == (
        "otlp_http 3 of 10 traces (rejected)",
        "otlp_http 5 of 6 logs (1 rejected, 4 timeout)",
    )
    assert before.losses == ("all exporters 2 metrics (instrument_conflict)",)


def test_report_as_text_has_the_counts_of_each_exporter() -> None:
    assert str(FlushReport(True, 0.1, LEDGER)) == (
        "otlp_http 4 of 10 traces exported, 3 queued; otlp_http 1 of 6 logs exported, 0 queued; "
        "lost: otlp_http 3 of 10 traces (rejected), otlp_http 5 of 6 logs (1 rejected, 4 timeout); 0.10 s"
    )
    idle = LedgerSnapshot(exporters=(ExporterCounts("logs", "memory"),))
    assert str(ShutdownReport(True, 0.1, idle)) == "nothing lost; 0.10 s"
