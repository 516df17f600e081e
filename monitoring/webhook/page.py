"""Notifications → a page of HTML, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from string import Template
from typing import Any
from urllib.parse import urlsplit

from monitoring.webhook.notifications import Notification, texts

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Notifications</title>
<meta http-equiv="refresh" content="10"><meta name="viewport" content="width=device-width">
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1f2328 }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .4rem .6rem; vertical-align: top }
tr { border-bottom: 1px solid #d0d7de } .firing { color: #b42318; font-weight: 600 } .resolved { color: #1a7f37 }
small { color: #59636e }
</style></head><body>
<h1>Notifications</h1>
<p>$summary</p>
<table><thead><tr><th>time (UTC)</th><th>status</th><th>alert</th><th>summary</th><th>receiver</th></tr></thead>
<tbody>
$rows
</tbody></table>
</body></html>
""")


def page(notifications: Sequence[Notification]) -> str:
    """Return the page. All values are escaped."""
    rows = [_row(one, alert) for one in reversed(notifications) for alert in one.alerts]
    summary = (
        f"The last {len(notifications)} notifications of Alertmanager, also <a href=/notifications>as JSON</a>."
        if notifications
        else "No notification has arrived since the start. Alertmanager sends one when a rule of Prometheus fires."
    )
    return _PAGE.substitute(summary=summary, rows="\n".join(rows))


def _row(one: Notification, alert: Mapping[str, Any]) -> str:
    labels, annotations = texts(alert.get("labels")), texts(alert.get("annotations"))
    received = datetime.fromtimestamp(one.received_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    status = str(alert.get("status", ""))
    others = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "alertname")
    cells = (
        escape(received),
        f"<span class={'firing' if status == 'firing' else 'resolved'}>{escape(status)}</span>",
        f"{escape(labels.get('alertname', ''))}<br><small>{escape(others)}</small>",
        escape(annotations.get("summary", "")) + _runbook(annotations.get("runbook_url", "")),
        escape(str(one.payload.get("receiver", ""))),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _runbook(url: str) -> str:
    """Return a link to the runbook. Other schemes than HTTP are not links, because they could run a script."""
    if urlsplit(url).scheme not in {"http", "https"}:
        return ""
    return f'<br><a href="{escape(url, quote=True)}">runbook</a>'
