from __future__ import annotations

import pytest

from flext_observability.domain.report import ExporterCounts, Signal, SignalState, SignalStatus
from flext_observability.services.health import telemetry
from flext_observability.services.health.telemetry import LOSS_WINDOW_SECONDS, TelemetryCheck


class Ledger:
    """A ledger with given counts, and a clock that the test advances."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statuses: dict[Signal, SignalStatus] = {}
        self.now = 100.0
        monkeypatch.setattr(telemetry, "monotonic", lambda: self.now)
        self.check = TelemetryCheck(lambda: self.statuses, {"traces": 100})

    def check_with(
        self, queued: int = 0, exported: int = 0, reason: str = "", signal: Signal = "traces", **dropped: int
    ) -> tuple[str, str]:
        row = ExporterCounts(signal, "otlp", queued=queued, exported=exported, dropped=dropped)
        state: SignalState = "degraded" if reason else "active"
        self.statuses = {
            signal: SignalStatus(
                signal, state, reason=reason, fix="Restart it" if reason == "Down" else "", deliveries=(row,)
            )
        }
        result = self.check()
        self.details = result.details
        return result.status, result.message


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    return Ledger(monkeypatch)


def test_healthy_with_details(ledger: Ledger) -> None:
    assert ledger.check_with(queued=79, exported=5) == ("healthy", "")
    assert ledger.details == {
        "traces": "active",
        "traces.otlp.queued": 79,
        "traces.otlp.exported": 5,
        "traces.otlp.dropped": 0,
        "traces.otlp.last_success_seconds": 0.0,
    }


def test_the_age_of_the_last_success_grows_until_the_next(ledger: Ledger) -> None:
    ledger.check_with(exported=0)
    assert "traces.otlp.last_success_seconds" not in ledger.details
    ledger.check_with(exported=5)
    ledger.now += 20
    ledger.check_with(exported=5)
    assert ledger.details["traces.otlp.last_success_seconds"] == 20
    ledger.check_with(exported=6)
    assert ledger.details["traces.otlp.last_success_seconds"] == 0


@pytest.mark.parametrize(
    ("reason", "expected"), [("Down", "traces degraded: Down. Restart it"), ("Slow", "traces degraded: Slow")]
)
def test_a_degraded_signal_is_reported_with_its_fix(ledger: Ledger, reason: str, expected: str) -> None:
    assert ledger.check_with(reason=reason) == ("degraded", expected)


def test_a_nearly_full_queue_is_reported(ledger: Ledger) -> None:
    status, message = ledger.check_with(queued=80)
    assert (status, "queue holds 80 of 100 items" in message, "traces_max_queue_size" in message) == (
        "degraded",
        True,
        True,
    )
    assert ledger.check_with(queued=800, signal="metrics") == ("healthy", "")


def test_losses_are_reported_for_a_minute(ledger: Ledger) -> None:
    assert ledger.check_with(queue_full=3) == ("degraded", "traces/otlp: 3 items lost in the last minute (queue_full)")
    ledger.now += LOSS_WINDOW_SECONDS / 2
    assert ledger.check_with(queue_full=5) == ("degraded", "traces/otlp: 5 items lost in the last minute (queue_full)")
    ledger.now += LOSS_WINDOW_SECONDS / 2 + 1
    assert ledger.check_with(queue_full=5) == ("degraded", "traces/otlp: 2 items lost in the last minute (queue_full)")
    ledger.now += LOSS_WINDOW_SECONDS
    assert ledger.check_with(queue_full=5) == ("healthy", "")


def test_a_forked_child_starts_from_zero(ledger: Ledger) -> None:
    ledger.check_with(exported=3, queue_full=3)
    ledger.check.reinit_after_fork()
    assert ledger.check_with() == ("healthy", "")
