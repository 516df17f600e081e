"""ExporterState: one line for each change of state, and the failure of the moment."""

from __future__ import annotations

import pytest

from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.exporter_state import ExporterState
from flext_observability.runtime.internal_log import LOG_INTERVAL_SECONDS
from tests.fakes import BUSY, REFUSED, REJECTED

FINE = ExportOutcome(accepted=1)


def test_repeated_failures_for_one_reason_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    state = ExporterState()
    for _ in range(5):
        state.record("otlp_http", "traces", REFUSED)
    assert caplog.messages == ["otlp_http (traces) is down, waiting to send again: connection refused. Start it."]


def test_signals_that_fail_for_one_reason_share_a_line(caplog: pytest.LogCaptureFixture) -> None:
    state = ExporterState()
    for signal in ("traces", "metrics", "logs"):
        state.record("otlp_http", signal, REFUSED)
    assert len(caplog.messages) == 1


def test_another_reason_is_another_line(caplog: pytest.LogCaptureFixture) -> None:
    state = ExporterState()
    state.record("otlp_http", "traces", REFUSED)
    state.record("otlp_http", "traces", REJECTED)
    assert caplog.messages[1] == "otlp_http (traces) is down, items are dropped: no. Send something else."


def test_recovery_of_the_last_signal_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    state = ExporterState()
    state.record("otlp_http", "traces", BUSY)
    state.record("otlp_http", "logs", BUSY)
    state.record("otlp_http", "traces", FINE)
    assert len(caplog.messages) == 1
    state.record("otlp_http", "logs", FINE)
    state.record("otlp_http", "logs", FINE)
    assert caplog.messages[1].startswith("otlp_http has recovered after ")
    assert len(caplog.messages) == 2


def test_occasional_rejections_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    state = ExporterState()
    for _ in range(5):
        state.record("otlp_http", "logs", ExportOutcome(accepted=1, rejected=1, reason="rejected", message="too old"))
        state.record("otlp_http", "logs", FINE)
    assert [line.partition(" (")[2] or line for line in caplog.messages] == [
        "logs) had items rejected, they are dropped: too old",
        caplog.messages[1],
    ]
    assert "recovered" in caplog.messages[1]


def test_rejections_are_logged_again_after_the_interval(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = ExporterState()
    refused = ExportOutcome(accepted=1, rejected=1, reason="rejected", message="too old")
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    state.record("otlp_http", "logs", refused)
    state.record("otlp_http", "logs", FINE)
    now[0] += LOG_INTERVAL_SECONDS
    state.record("otlp_http", "logs", refused)
    assert len(caplog.messages) == 3


def test_an_unexpected_response_is_logged_although_nothing_was_lost(caplog: pytest.LogCaptureFixture) -> None:
    state = ExporterState()
    for _ in range(2):
        state.record(
            "otlp_http", "traces", ExportOutcome(accepted=1, message="the response is a web page", fix="check it")
        )
    assert caplog.messages == [
        "otlp_http (traces) got an unexpected response, items count as accepted: the response is a web page. Check it."
    ]
    failure = state.failure("traces")
    assert failure is not None
    assert failure.message == "the response is a web page"


def test_a_failure_belongs_to_its_signal() -> None:
    state = ExporterState()
    state.record("otlp_http", "logs", REFUSED)
    assert state.failure("traces") is None
    failure = state.failure("logs")
    assert failure is not None
    assert (failure.reason, failure.message, failure.fix) == ("unreachable", "connection refused", "start it")


def test_rejected_items_do_not_mean_that_the_exporter_is_down(caplog: pytest.LogCaptureFixture) -> None:
    partial = ExportOutcome(accepted=6, rejected=1, reason="rejected", message="it refused 1 of 7", fix="look")
    ExporterState().record("otlp_http", "logs", partial)
    assert caplog.messages == ["otlp_http (logs) had items rejected, they are dropped: it refused 1 of 7. Look."]


def test_overflow_is_logged_when_it_begins_and_once_per_interval(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    state = ExporterState()
    for dropped in (0, 0, 7, 9, 9):
        state.record("otlp_http", "traces", FINE, dropped)
    (message,) = caplog.messages
    assert message == (
        "otlp_http (traces) queue full: 7 items dropped so far. "
        "Raise traces_max_queue_size or _bytes, record less, or use a receiver that keeps up."
    )
    now[0] = LOG_INTERVAL_SECONDS
    state.record("otlp_http", "traces", FINE, 9)
    state.record("otlp_http", "metrics", FINE, 3)
    state.record("otlp_http", "traces", FINE, 12)
    assert len(caplog.messages) == 3
    assert "metric_export_interval_seconds" in caplog.messages[1]
    assert "12 items" in caplog.messages[2]


def test_an_exporter_that_flaps_is_logged_once_a_minute_until_it_is_stable(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    state = ExporterState()
    for _ in range(70):
        now[0] += 1
        state.record("otlp_http", "traces", BUSY)
        state.record("otlp_http", "logs", FINE)
        state.record("otlp_http", "traces", FINE)
    assert [line for line in caplog.messages if "flaps" in line] == [
        "otlp_http flaps: 3 failures with successes between: busy. Wait.",
        "otlp_http flaps: 63 failures with successes between: busy. Wait.",
    ]
    assert len(caplog.messages) == 6
    assert state.failure("traces") is None
    now[0] += 60
    for _ in range(2):
        state.record("otlp_http", "traces", FINE)
    assert caplog.messages[6:] == ["otlp_http is stable after 70 failures"]
    state.record("otlp_http", "traces", BUSY)
    assert "is down" in caplog.messages[7]
