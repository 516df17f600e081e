"""Command health-monitor: state and latency of each part, and the active alerts."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Final

from monitoring.control.context import Context
from monitoring.control.engine import PartState
from monitoring.control.probes import get_json, probe
from monitoring.native.parts import ALERTMANAGER, PROMETHEUS
from monitoring.native.places import StackError
from monitoring.native.storage import free_mb

_LOW_DISK_MB: Final = 512


def health_monitor(context: Context) -> int:
    """Print health and alerts, repeatedly if `watch_seconds` is set. Return 1 if a part is down."""
    if not context.watch_seconds:
        return _show(context)
    while True:
        context.report.note(f"{datetime.now(UTC):%H:%M:%S} UTC; Ctrl-C ends")
        _show(context)
        time.sleep(context.watch_seconds)


def _show(context: Context) -> int:
    report = context.report
    rows = [_row(state) for state in context.engine.states()]
    report.table(("part", "health", "latency, ms", "process", "address"), rows)
    down = [row[0] for row in rows if row[1] == "down"]
    if not context.docker and free_mb(context.engine.places.state) < _LOW_DISK_MB:
        free = f"{free_mb(context.engine.places.state):.0f} MB"
        report.problem(f"{free} are free in {context.engine.places.state}. Free space before the stores stop.")
    alerts = _alerts(context, down)
    if alerts:
        report.table(("alert", "state", "severity", "since", "summary"), alerts)
    if down:
        start = "make monitoring-setup"
        report.problem(
            f"{', '.join(down)}: {'is' if len(down) == 1 else 'are'} down. Run `{start}` to start what is down."
        )
        return 1
    firing = sum(row[1] == "firing" for row in alerts)
    report.done(f"all parts are up; {firing} alerts fire, {len(alerts) - firing} are pending")
    report.next("make metrics-collect traces-start   data through the whole stack" if not firing else _runbooks())
    return 0


def _row(state: PartState) -> tuple[str, ...]:
    name, version = state.part.name, state.part.version
    if state.optional and not state.running:
        return (name, "optional", "-", state.detail, state.address)
    answer = probe(state.health_url)
    healthy = state.running and answer.healthy
    detail = state.detail if answer.healthy or not state.running else f"{state.detail}: {answer.detail}"
    return (name, "up" if healthy else "down", f"{answer.milliseconds:.1f}", f"{detail}, {version}", state.address)


def _alerts(context: Context, down: list[str]) -> list[tuple[str, ...]]:
    """Return the pending and firing alerts of Prometheus, and those of programs in Alertmanager."""
    rows: list[tuple[str, ...]] = []
    try:
        if PROMETHEUS.name not in down:
            found = get_json(f"{context.url(PROMETHEUS)}/api/v1/alerts")["data"]["alerts"]
            rows += [_alert_row(row, row["state"], row["activeAt"]) for row in found]
        if ALERTMANAGER.name not in down:
            known = {row[0] for row in rows}
            sent = get_json(f"{context.url(ALERTMANAGER)}/api/v2/alerts", {"active": "true"})
            rows += [_alert_row(row, "firing", row["startsAt"]) for row in sent if _name(row) not in known]
    except StackError as error:
        context.report.problem(str(error))
    return sorted(rows)


def _alert_row(row: dict[str, Any], state: str, since: str) -> tuple[str, ...]:
    notes = row.get("annotations", {})
    text = str(notes.get("summary") or notes.get("description") or "-")
    return (_name(row), state, str(row["labels"].get("severity", "-")), since[:19], text[:90])


def _name(row: dict[str, Any]) -> str:
    return str(row["labels"].get("alertname", "-"))


def _runbooks() -> str:
    return "docs/runbooks/<alert>.md   what each alert means and what to do"
