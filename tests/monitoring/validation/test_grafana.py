"""Data sources, ids, variables and links of dashboards and provisioning files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitoring.validation.variables import unknown_variables, without_variables
from tests.monitoring.validation.copies import Copy

DASHBOARD = "monitoring/grafana/dashboards/own.json"
DATA_SOURCES = "monitoring/grafana/provisioning/datasources/stack.yml"
COMPOSE = "docker-compose.monitoring.yml"
RULES = "monitoring/prometheus/rules/own.yml"
PAGES = "https://github.com/flext-sh/flext-observability/blob/main"


def panel(number: int, uid: str = "prometheus", **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "title": f"Panel {number}",
        "gridPos": {},
        "datasource": {"uid": uid},
        "targets": [],
        **fields,
    }


def write(copy: Copy, *panels: dict[str, Any], **fields: Any) -> None:
    copy.write(DASHBOARD, json.dumps({"uid": "own", "title": "Own", "panels": panels, **fields}, indent=1))


def line_of(copy: Copy, text: str) -> int:
    return next(number for number, line in enumerate(copy.text(DASHBOARD).splitlines(), start=1) if text in line)


def test_the_shipped_files_have_no_fault(copy: Copy) -> None:
    assert copy.faults("data sources", "link to", "containers read") == []


def test_an_unknown_data_source_names_panel_and_nearest(copy: Copy) -> None:
    write(copy, panel(1), panel(2, "prometheu"))
    (fault,) = copy.faults("ids of the dashboards")
    assert (fault.file, fault.line) == (DASHBOARD, line_of(copy, 'prometheu"'))
    assert fault.what == 'data source "prometheu" of "Panel 2"'
    assert fault.action == 'Use "prometheus"'


def test_a_panel_in_a_row_and_a_text_as_data_source_are_checked(copy: Copy) -> None:
    row = {"id": 1, "type": "row", "title": "Row", "gridPos": {}, "panels": [panel(2, datasource="nowhere")]}
    write(copy, row)
    (fault,) = copy.faults("ids of the dashboards")
    assert fault.line == line_of(copy, "nowhere")


def test_data_sources_of_grafana_and_of_variables_are_accepted(copy: Copy) -> None:
    variable = {"name": "source", "type": "datasource", "query": "prometheus"}
    mixed = panel(2, "-- Mixed --", targets=[{"datasource": {"uid": "${source}"}}])
    write(copy, panel(1, "-- Grafana --"), mixed, templating={"list": [variable]})
    assert copy.faults("ids of the dashboards") == []
    write(copy, panel(1, "${sorce}"), templating={"list": [variable]})
    (fault,) = copy.faults("ids of the dashboards")
    assert fault.action == 'Use "source"'


def test_a_data_source_of_another_type_is_a_fault(copy: Copy) -> None:
    write(copy, panel(1, datasource={"type": "jaeger", "uid": "prometheus"}))
    (fault,) = copy.faults("ids of the dashboards")
    assert fault.line == line_of(copy, '"type": "jaeger"')
    assert fault.why == "its type is prometheus, not jaeger"


def test_a_repeated_id_and_a_repeated_uid_are_faults(copy: Copy) -> None:
    write(copy, panel(1), panel(1))
    (fault,) = copy.faults("ids of the dashboards")
    assert fault.what == "panel id 1"
    write(copy, panel(1))
    copy.write("monitoring/grafana/dashboards/second.json", copy.text(DASHBOARD))
    (fault,) = copy.faults("ids of the dashboards")
    assert fault.why == f"{DASHBOARD} has it as well"


def test_a_link_of_a_data_source_names_the_nearest_uid(copy: Copy) -> None:
    line = copy.change(DATA_SOURCES, "datasourceUid: jaeger", "datasourceUid: jager")
    (fault,) = copy.faults("provisioning files")
    assert (fault.file, fault.line, fault.action) == (DATA_SOURCES, line, 'Use "jaeger"')


def test_a_data_source_without_a_uid_and_a_repeated_uid_are_faults(copy: Copy) -> None:
    copy.change(DATA_SOURCES, "    uid: alertmanager\n", "")
    assert "uid is missing" in str(copy.faults("provisioning files"))
    copy.change(DATA_SOURCES, "  - name: Alertmanager\n", "  - name: Alertmanager\n    uid: jaeger\n")
    assert 'uid "jaeger"' in str(copy.faults("provisioning files"))


def test_an_unknown_variable_names_the_nearest(copy: Copy) -> None:
    write(copy, panel(1, targets=[{"expr": 'up{job=~"$jb"}'}]), templating={"list": [{"name": "job"}]})
    (fault,) = copy.faults("variables")
    assert (fault.line, fault.action) == (line_of(copy, "$jb"), 'Use "$job"')


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('rate(a{b=~"$service"}[$__rate_interval])', 'rate(a{b=~"x"}[1m])'),
        ("rate(a[${window}])", "rate(a[5m])"),
        ("a offset $window", "a offset 5m"),
        ("topk([[limit]], a)", "topk(10, a)"),
        ('label_replace(a, "b", "$1", "c", "(.*)")', 'label_replace(a, "b", "$1", "c", "(.*)")'),
        ('a{b="${service:regex}"} > $__range_s', 'a{b="x"} > 3600'),
        ("sum by ($service) (a)", "sum by (x) (a)"),
    ],
)  # fmt: skip
def test_variables_get_valid_values(query: str, expected: str) -> None:
    assert without_variables(query, {"service": "$__all", "window": "", "limit": "10"}) == expected


def test_macros_and_objects_of_grafana_are_known() -> None:
    assert unknown_variables('a{t="${__span.name}"}[$__interval] $1 $own $other', {"own": ""}) == ["other"]


def test_links_to_missing_pages_and_dashboards_are_faults(copy: Copy) -> None:
    links = [{"url": "/d/ownn/x"}, {"url": "/d/own/x"}, {"url": f"{PAGES}/docs/runbooks/None.md"}]
    write(copy, panel(1, links=links))
    dashboard, page = copy.faults("dashboards link to")
    assert (dashboard.line, dashboard.action) == (line_of(copy, "/d/ownn"), 'Use "own"')
    assert (page.line, page.what) == (line_of(copy, "None.md"), "link to docs/runbooks/None.md")


def test_a_runbook_that_does_not_exist_has_the_line_of_its_rule(copy: Copy) -> None:
    copy.write("docs/runbooks/TargetSilent.md", "# Silent\n")
    copy.write(RULES, f"groups: []\n# runbook_url\nurl: {PAGES}/docs/runbooks/TargetSilnt.md\n")
    (fault,) = copy.faults("rules and notifications link to")
    assert (fault.file, fault.line) == (RULES, 3)
    assert fault.action == 'Use "docs/runbooks/TargetSilent.md", or write the page'


@pytest.mark.parametrize(
    ("old", "new", "action"),
    [
        ("./otel-collector.yaml:", "./otel-colector.yaml:", "Correct the path"),
        ("/etc/jaeger/jaeger.yaml", "/etc/jaeger/jager.yaml", 'Use "monitoring/jaeger/jaeger.yaml"'),
    ],
)
def test_a_file_that_a_container_cannot_read_is_a_fault(copy: Copy, old: str, new: str, action: str) -> None:
    line = copy.change(COMPOSE, old, new)
    faults = copy.faults("containers read")
    assert (line, action) in [(fault.line, fault.action) for fault in faults]


def test_a_dashboard_that_differs_from_its_code_names_the_command(copy: Copy) -> None:
    file = "monitoring/grafana/dashboards/logs.json"
    assert copy.faults("those of monitoring/dashboards") == []
    copy.change(file, '"title": "Logs"', '"title": "Log"')
    (fault,) = copy.faults("those of monitoring/dashboards")
    assert (fault.file, fault.action) == (file, "Run `make dashboards`")
