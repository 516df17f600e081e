from __future__ import annotations

import pytest

from flext_observability.domain.report import ExporterCounts, Signal, SignalState, SignalStatus
from flext_observability.services.health import telemetry
from flext_observability.services.health.telemetry import LOSS_WINDOW_SECONDS, TelemetryCheck


class Ledger:
    """What a test lets the ledger say, at the time that it lets pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statuses: dict[Signal, SignalStatus] = {}
        self.now = 100.0
        monkeypatch.setattr(telemetry, "monotonic", lambda: self.now)
        self.check = TelemetryCheck(lambda: self.statuses, {"traces": 100})

    def says(
        self, queued: int = 0, exported: int = 0, reason: str = "", signal: Signal = "traces", **dropped: int
    ) -> tuple[str, str]:
        row = ExporterCounts(signal, "otlp", queued=queued, exported=exported, dropped=dropped)
        state: SignalState = "degraded" if reason else "active"
        self.statuses = {
            signal: SignalStatus(
                signal, state, reason=reason, fix="Mend it" if reason == "Down" else "", deliveries=(row,)
            )
        }
        found = self.check()
        self.details = found.details
        return found.status, found.message


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    return Ledger(monkeypatch)


def test_all_is_well(ledger: Ledger) -> None:
    assert ledger.says(queued=79, exported=5) == ("healthy", "")
    assert ledger.details == {
        "traces": "active",
        "traces.otlp.queued": 79,
        "traces.otlp.exported": 5,
        "traces.otlp.dropped": 0,
        "traces.otlp.last_success_seconds": 0.0,
    }


def test_the_age_of_the_last_success_grows_until_the_next(ledger: Ledger) -> None:
    ledger.says(exported=0)
    assert "traces.otlp.last_success_seconds" not in ledger.details
    ledger.says(exported=5)
    ledger.now += 20
    ledger.says(exported=5)
    assert ledger.details["traces.otlp.last_success_seconds"] == 20
    ledger.says(exported=6)
    assert ledger.details["traces.otlp.last_success_seconds"] == 0


@pytest.mark.parametrize(
    ("reason", "words"), [("Down", "traces degraded: Down. Mend it"), ("Slow", "traces degraded: Slow")]
)
def test_a_degraded_signal_is_told_with_its_fix(ledger: Ledger, reason: str, words: str) -> None:
    assert ledger.says(reason=reason) == ("degraded", words)


def test_a_queue_that_fills_up_is_told(ledger: Ledger) -> None:
    status, message = ledger.says(queued=80)
    assert (status, "80 items wait in a queue of 100" in message, "traces_max_queue_size" in message) == (
        "degraded",
        True,
        True,
    )
    assert ledger.says(queued=800, signal="metrics") == ("healthy", "")


def test_losses_are_told_for_a_minute(ledger: Ledger) -> None:
    assert ledger.says(queue_full=3) == ("degraded", "traces/otlp: 3 items lost lately (queue_full)")
    ledger.now += LOSS_WINDOW_SECONDS / 2
    assert ledger.says(queue_full=5) == ("degraded", "traces/otlp: 5 items lost lately (queue_full)")
    ledger.now += LOSS_WINDOW_SECONDS / 2 + 1
    assert ledger.says(queue_full=5) == ("degraded", "traces/otlp: 2 items lost lately (queue_full)")
    ledger.now += LOSS_WINDOW_SECONDS
    assert ledger.says(queue_full=5) == ("healthy", "")


def test_a_child_begins_again(ledger: Ledger) -> None:
    ledger.says(exported=3, queue_full=3)
    ledger.check.reinit_after_fork()
    assert ledger.says() == ("healthy", "")
