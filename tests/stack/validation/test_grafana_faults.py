"""Faults of queries, found by promtool and by VictoriaLogs, and of the flags of VictoriaLogs."""

from __future__ import annotations

import json

import pytest

from tests.monitoring.validation.copies import Copy
from tests.stack.validation.cases import Case

DASHBOARD = "monitoring/grafana/dashboards/own.json"
DATA_SOURCES = "monitoring/grafana/provisioning/datasources/stack.yml"
COMPOSE = "docker-compose.monitoring.yml"

OWN = {
    "uid": "own",
    "title": "Own",
    "templating": {
        "list": [
            {
                "name": "service",
                "type": "query",
                "datasource": {"type": "prometheus", "uid": "prometheus"},
                "query": {"query": 'label_values(up{job=~"a|b"}, service_name)', "refId": "a"},
            },
            {"name": "window", "type": "interval", "current": {"text": "5m", "value": "5m"}},
            {"name": "limit", "type": "textbox", "current": {"text": "10", "value": "10"}},
        ]
    },
    "panels": [
        {
            "id": 1,
            "title": "Requests",
            "gridPos": {},
            "datasource": {"type": "prometheus", "uid": "prometheus"},
            "targets": [
                {"refId": "A", "expr": 'sum(rate(a_total{s=~"$service"}[$__rate_interval]))'},
                {"refId": "B", "expr": "topk($limit, increase(b_total[${window}] offset 5m))"},
            ],
        },
        {
            "id": 2,
            "title": "Row",
            "gridPos": {},
            "panels": [
                {
                    "id": 3,
                    "title": "Errors",
                    "gridPos": {},
                    "datasource": {"type": "victoriametrics-logs-datasource", "uid": "victorialogs"},
                    "targets": [
                        {"refId": "A", "queryType": "instant", "expr": '{service.name=~"$service"} error'},
                        {"refId": "B", "queryType": "stats", "expr": "error | stats by (severity_text) count() n"},
                        {"refId": "C", "queryType": "statsRange", "expr": "* | stats count() n"},
                        {"refId": "D", "queryType": "hits", "expr": "_time:1h error"},
                    ],
                }
            ],
        },
    ],
}  # fmt: skip

CASES = (
    Case(DASHBOARD, "sum(rate(", "sum(rat(", 'unknown function with name "rat"', 'Use "rate"'),
    Case(DASHBOARD, "[$__rate_interval]", "[$__rate_interval", "column", "Correct the query"),
    Case(DASHBOARD, "topk($limit, ", "topk($limit ", 'query of "Requests"', "Correct the query"),
    Case(DASHBOARD, "label_values(up{", "label_values(up{{", 'query of "service"', "Correct the query"),
    Case(DASHBOARD, '~\\"$service\\"}[', '~\\"$servce\\"}[', "the dashboard has no variable $servce", 'Use "$service"'),
    Case(DASHBOARD, "} error", "} error | frob x", 'unexpected pipe name "frob"', "Correct the query"),
    Case(DASHBOARD, "error | stats by", "error | fields", 'query of "Errors"', "Correct the query"),
    Case(DASHBOARD, "* | stats count() n", "* | stats count( n", 'query of "Errors"', "Correct the query"),
    Case(DASHBOARD, "_time:1h error", "_time:1parsec error", 'query of "Errors"', "Correct the query"),
    Case(DATA_SOURCES, "query: 'trace_id:=", "query: 'trace_id:=)", "cannot parse token", "Correct the query"),
    Case(DATA_SOURCES, "(rate(traces", "(rat(traces", "unknown function", 'Use "rate"'),
    Case(COMPOSE, "-retentionPeriod=15d", "-retentionPeriod=15x", "cannot parse duration", "Correct the value"),
    Case(COMPOSE, "-retentionPeriod=", "-retentionPeriode=", "not defined", 'Use "-retentionPeriod"'),
)


@pytest.fixture
def own(copy: Copy) -> Copy:
    copy.write(DASHBOARD, json.dumps(OWN, indent=2))
    return copy


def test_all_queries_are_valid(own: Copy) -> None:
    assert own.faults("queries", "flags") == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_has_line_and_fix(own: Copy, case: Case) -> None:
    case.check(own, "queries", "flags")
