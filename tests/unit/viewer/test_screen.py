from __future__ import annotations

import pytest

from flext_observability.viewer.screen import Screen
from flext_observability.viewer.store import Store
from flext_observability.views.terminal.live import RenderPolicy
from flext_observability.views.terminal.output import Terminal
from tests.unit.views.shop import Screen as Stream, checkout, counter, log, no_terminal_settings, span

NEVER = RenderPolicy(idle_seconds=60, timeout_seconds=60)


@pytest.fixture(autouse=True)
def _no_terminal_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    no_terminal_settings(monkeypatch)


def test_the_summary_has_metrics_and_totals() -> None:
    stream, store = Stream(), Store()
    screen = Screen(Terminal(stream), store, policy=NEVER)
    screen.banner("http://127.0.0.1:4318")
    store.add(spans=checkout().spans, logs=checkout().logs, metrics=[counter(42)])
    screen.on_data(list(checkout().spans), list(checkout().logs))
    assert "charge card" not in stream.getvalue()
    screen.summary()
    text = stream.getvalue()
    assert text.startswith("Viewer listens on http://127.0.0.1:4318")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318" in text
    assert text.index("charge card") < text.index("shop.orders")
    assert text.endswith("Received 5 spans, 2 log records, 1 data point from 4 services.\n")


def test_late_spans_are_drawn_with_the_complete_trace() -> None:
    stream, store = Stream(), Store()
    store.add(spans=checkout().spans)
    screen = Screen(Terminal(stream), store, policy=NEVER)
    late = [span(9, 2, "late")]
    store.add(spans=late)
    screen.on_data(late, [])
    screen.summary()
    assert "late" in stream.getvalue()
    assert "charge card" in stream.getvalue()


def test_quiet_draws_only_the_summary() -> None:
    stream, store = Stream(), Store()
    screen = Screen(Terminal(stream), store, quiet=True)
    screen.on_data([span(1)], [log("hello")])
    screen.summary()
    assert stream.getvalue() == "Received 0 spans, 0 log records, 0 data points from 0 services.\n"
