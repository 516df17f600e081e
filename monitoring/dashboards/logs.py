"""Dashboard: log records of services in VictoriaLogs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitoring.dashboards.definition import LOG_SERVICE, SEVERITY, Definition
from monitoring.dashboards.panels import Column, Frame, Panel, lines, number, records, rows
from monitoring.dashboards.queries import LogsQL

_FOUND: Final = '{service.name=~"${service:regex}"} severity_text:~"^(${severity:regex})$" $search'
_ERRORS: Final = f"{_FOUND} severity_number:>=17"


def definition() -> Definition:
    """Return the dashboard."""
    return Definition(
        "logs",
        "Logs",
        "Log records of all services. `search` is LogsQL, such as a word, or `trace_id:=…`.",
        (("Volume", _volume()), ("Records", _records())),
        (LOG_SERVICE, SEVERITY),
        (("search", "Search", "*"),),
    )


def _volume() -> Iterator[Panel]:
    yield number(
        Frame("Records", "Log records that match, in the time range.", "short", 4, 8),
        LogsQL(f"{_FOUND} | stats count() records", "stats"),
    )
    yield lines(
        Frame("Records by severity", "Log records that match, by severity.", "short", 10),
        LogsQL(f"{_FOUND} | stats by (severity_text) count() records", "statsRange", "{{severity_text}}"),
        stacked=True,
    )
    yield lines(
        Frame("Records by service", "Log records that match, by service.", "short", 10),
        LogsQL(f"{_FOUND} | stats by (service.name) count() records", "statsRange", "{{service.name}}"),
        stacked=True,
    )


def _records() -> Iterator[Panel]:
    yield rows(
        Frame(
            "Most frequent errors",
            "Bodies of records of severity error and above. Empty until a program logs an error.",
            width=24,
            height=7,
        ),
        {"service.name": Column("service"), "_msg": Column("message"), "hits": Column("records")},
        LogsQL(f"{_ERRORS} | stats by (service.name, _msg) count() hits | sort by (hits) desc | limit 20"),
    )
    yield records(
        Frame(
            "Errors",
            "Newest records of severity error and above. The trace id opens the trace. "
            "Empty until a program logs an error.",
            width=24,
            height=10,
        ),
        LogsQL(_ERRORS),
    )
    yield records(
        Frame("All records", "Newest records that match. The trace id opens the trace.", width=24, height=14),
        LogsQL(_FOUND),
    )
