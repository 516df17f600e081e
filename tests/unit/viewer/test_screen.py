from __future__ import annotations

import pytest

from flext_observability.viewer.screen import Screen
from flext_observability.viewer.store import Store
from flext_observability.views.terminal.live import Pace
from flext_observability.views.terminal.output import Terminal
from tests.unit.views.shop import Screen as Stream, checkout, counter, log, no_terminal_settings, span

NEVER = Pace(settle_seconds=60, patience_seconds=60)


@pytest.fixture(autouse=True)
def _no_terminal_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    no_terminal_settings(monkeypatch)


def test_it_ends_with_the_metrics_and_what_has_been_received() -> None:
    stream, store = Stream(), Store()
    screen = Screen(Terminal(stream), store, pace=NEVER)
    screen.welcome("http://127.0.0.1:4318")
    store.add(spans=checkout().spans, logs=checkout().logs, metrics=[counter(42)])
    screen.arrived(list(checkout().spans), list(checkout().logs))
    assert "charge card" not in stream.getvalue()
    screen.goodbye()
    text = stream.getvalue()
    assert text.startswith("Viewer listens on http://127.0.0.1:4318")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318" in text
    assert text.index("charge card") < text.index("shop.orders")
    assert text.endswith("Received 5 spans, 2 log records, 1 data point from 4 services.\n")


def test_late_spans_are_drawn_with_the_whole_trace() -> None:
    stream, store = Stream(), Store()
    store.add(spans=checkout().spans)
    screen = Screen(Terminal(stream), store, pace=NEVER)
    late = [span(9, 2, "late")]
    store.add(spans=late)
    screen.arrived(late, [])
    screen.goodbye()
    assert "late" in stream.getvalue()
    assert "charge card" in stream.getvalue()


def test_quiet_draws_only_the_end() -> None:
    stream, store = Stream(), Store()
    screen = Screen(Terminal(stream), store, quiet=True)
    screen.arrived([span(1)], [log("hello")])
    screen.goodbye()
    assert stream.getvalue() == "Received 0 spans, 0 log records, 0 data points from 0 services.\n"
