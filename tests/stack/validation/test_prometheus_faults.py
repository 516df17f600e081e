"""Faults of the files of Prometheus and Alertmanager, found by promtool and amtool."""

from __future__ import annotations

import pytest

from tests.monitoring.validation.copies import Copy
from tests.stack.validation.cases import Case

PROMETHEUS = "monitoring/prometheus/prometheus.yml"
TARGETS = "monitoring/prometheus/targets/stack.yml"
RULES = "monitoring/prometheus/rules/own.yml"
TESTS = "monitoring/prometheus/rule-tests/own.yml"
ALERTMANAGER = "monitoring/alertmanager/alertmanager.yml"
TEMPLATES = "monitoring/alertmanager/own.tmpl"

OWN_RULES = """groups:
  - name: own
    rules:
      - alert: Silent
        expr: >-
          sum(rate(pushes_total[5m])) == 0
          or absent(pushes_total)
        for: 5m
        labels: {severity: warning}
        annotations:
          summary: "{{ $labels.job }} is silent"
"""
OWN_TESTS = """rule_files: [../rules/own.yml]
tests:
  - interval: 1m
    input_series: []
    alert_rule_test:
      - eval_time: 6m
        alertname: Silent
        exp_alerts:
          - exp_labels: {severity: warning}
            exp_annotations: {summary: " is silent"}
"""
OWN_TEMPLATES = """{{ define "own.text" }}{{ .Status | toUpper }}{{ end }}
{{ define "own.all" }}{{ template "own.text" . }}{{ end }}
"""

CASES = (
    Case(PROMETHEUS, "scrape_interval: 15s", "scrape_interval: lots", "not a valid duration", "Correct the value"),
    Case(PROMETHEUS, "scrape_interval: 15s", "scrap_interval: 15s", "scrap_interval does not", "Correct the name"),
    Case(PROMETHEUS, "job_name: pushgateway", "job_name: stack", "multiple scrape configs", "Use another name"),
    Case(PROMETHEUS, "targets/alertmanager.yml", "targets/alertmanage.yml", "not exist", "targets/alertmanager.yml"),
    Case(PROMETHEUS, "replacement: scraped-application", "action: replce", "unknown relabel action", "Correct"),
    Case(TARGETS, "targets", "targts", "the field targts does not exist", "Correct the name"),
    Case(RULES, "rate(", "rat(", 'unknown function with name "rat"', 'Use "rate"'),
    Case(RULES, "== 0", "== (0", "unclosed left parenthesis", "Correct the expression", offset=-1),
    Case(RULES, "expr:", "exp:", "the field exp does not exist", 'Use "expr"'),
    Case(RULES, "for: 5m", "for: many", "not a valid duration", "Correct the value"),
    Case(RULES, "{{ $labels", "{{ frob $labels", 'function "frob" not defined', "Correct the template"),
    Case(RULES, "alert: Silent", "alert: ''", "must be set", "Correct the"),
    Case(TESTS, "eval_time", "eval_tim", "eval_tim does not exist", "Correct the name"),
    Case(TESTS, "alertname: Silent", "alertname: Silnt", "no rule file has this alert", 'Use "Silent"'),
    Case(TESTS, "[../rules/own.yml]", "[../rules/own.yml, none.yml]", "it does not exist", "Correct the path"),
    Case(
        TESTS,
        "severity: warning",
        "severity: critical",
        "test of Silent",
        "Correct the rule, or the expected",
        offset=-2,
    ),
    Case(ALERTMANAGER, "group_by:", "groupby:", "the field groupby does not exist", "Correct the name"),
    Case(ALERTMANAGER, "group_wait: ", "group_wait: x", "not a valid duration", "Correct the value"),
    Case(ALERTMANAGER, "\nreceivers:\n", "\nreceivers:\n  - nam: x\n", "nam does not exist", "Correct", offset=2),
    Case(TEMPLATES, "toUpper", "toUper", 'function "toUper" not defined', "Correct the template"),
    Case(TEMPLATES, 'template "own.text"', 'template "own.txt"', "no template file defines it", 'Use "own.text"'),
)


@pytest.fixture
def own(copy: Copy) -> Copy:
    """Return a copy with a rule, a test of it and a template, which do not change with the shipped ones."""
    for shipped in copy.path("monitoring/prometheus/rule-tests").glob("*.yml"):
        shipped.unlink()  # promtool needs seconds for them
    copy.write(RULES, OWN_RULES)
    copy.write(TESTS, OWN_TESTS)
    copy.write(TEMPLATES, OWN_TEMPLATES)
    copy.change(ALERTMANAGER, "templates: [templates/*.tmpl]", "templates: [own.tmpl, templates/*.tmpl]")
    return copy


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_has_line_and_fix(own: Copy, case: Case) -> None:
    case.check(own, "prometheus", "alertmanager", "notifications")


def test_the_shipped_files_have_no_fault(copy: Copy) -> None:
    assert copy.faults("prometheus", "alertmanager", "notifications") == []


def test_a_route_to_a_receiver_that_is_not_defined_names_the_nearest(own: Copy) -> None:
    lines = own.text(ALERTMANAGER).splitlines()
    number = next(number for number, line in enumerate(lines, start=1) if line.strip().startswith("receiver: "))
    name = lines[number - 1].split()[-1]
    own.change(ALERTMANAGER, f"receiver: {name}", f"receiver: {name}x")
    (fault,) = own.faults("alertmanager.yml")
    assert (fault.line, fault.action) == (number, f'Use "{name}"')
    assert "receivers does not define it" in fault.why


def test_a_missing_file_of_a_credential_names_the_command(own: Copy) -> None:
    text = "\nreceivers:\n  - name: own\n    webhook_configs:\n      - url_file: ../secrets/none\n"
    line = own.change(ALERTMANAGER, "\nreceivers:\n", text) + 4
    (fault,) = own.faults("notifications")
    assert (fault.line, fault.action) == (line, "Run `make observability-init`")


def test_a_faulty_rule_is_reported_once_and_not_by_its_test(own: Copy) -> None:
    own.change(RULES, "rate(", "rat(")
    assert {fault.file for fault in own.faults("prometheus")} == {RULES}
    (outcome,) = own.outcomes("rule-tests/own.yml")
    assert outcome.verdict == "not checked"
    assert f"{RULES} is faulty" in outcome.not_checked


def test_an_alert_that_reaches_another_receiver_names_both(own: Copy) -> None:
    file = "monitoring/alertmanager/routing-tests.yml"
    line = own.change(file, "receiver: critical", "receiver: warning") - 1
    (fault,) = own.faults("routing-tests")
    assert (fault.file, fault.line, fault.why) == (file, line, "it reaches critical instead of warning")


def test_a_fault_of_the_examples_of_receivers_has_its_line(own: Copy) -> None:
    file = "monitoring/alertmanager/receivers-examples.yml"
    line = own.change(file, "smarthost:", "smarthos:")
    (fault,) = own.faults("receivers-examples")
    assert (fault.file, fault.line) == (file, line)


def test_routes_are_not_checked_with_a_faulty_configuration(own: Copy) -> None:
    own.change(ALERTMANAGER, "group_by:", "groupby:")
    (outcome,) = own.outcomes("routing-tests")
    assert outcome.verdict == "not checked"
