"""Files of dashboards, data sources and rules → checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitoring.native.places import StackError
from monitoring.tester.catalogue.files import Files
from monitoring.tester.catalogue.variables import filtered, value_of, variables
from monitoring.tester.checks import catalogue
from monitoring.tester.model import Check
from tests.monitoring.tester.repositories import JAEGER, LOGS, PANEL, PROMETHEUS, VARIABLE, dashboard, panel, write

PAGES = "https://github.com/flext-sh/flext-observability/blob/main"


def checks_of(folder: Path, *dashboards: dict[str, Any], **options: Any) -> list[Check]:
    return catalogue(Files(write(folder, *dashboards, **options))).checks


def kinds(checks: list[Check]) -> list[tuple[str, str, str]]:
    return [(check.item, check.part, check.kind) for check in checks]


def problems(checks: list[Check]) -> list[str]:
    return [str(check.options["problem"]) for check in checks if check.options.get("problem")]


def test_every_query_variable_rule_and_link_is_a_check(tmp_path: Path) -> None:
    assert kinds(checks_of(tmp_path)) == [
        ("$service", "variable", "prometheus label_values"),
        ("Requests", "query A", "prometheus range"),
        ("ShopSlow", "expression", "prometheus alert"),
        ("ShopSlow", "loaded", "prometheus rule"),
        ("ShopSlow", "runbook", "static"),
        ("prometheus", "exemplar → trace", "link exemplar → trace"),
    ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"expr": "up", "instant": True}, ["prometheus instant"]),
        ({"expr": "up", "instant": True, "range": True}, ["prometheus instant", "prometheus range"]),
        ({"expr": "up", "exemplar": True}, ["prometheus range", "prometheus exemplars"]),
        ({"expr": "*", "datasource": LOGS}, ["victorialogs instant"]),
        ({"expr": "*", "datasource": LOGS, "queryType": "stats"}, ["victorialogs stats"]),
        ({"expr": "*", "datasource": LOGS, "queryType": "statsRange"}, ["victorialogs statsRange"]),
        ({"expr": "*", "datasource": LOGS, "queryType": "hits"}, ["victorialogs hits"]),
        ({"queryType": "search", "service": "shop", "datasource": JAEGER}, ["jaeger search"]),
        ({"query": "$trace", "datasource": JAEGER}, ["jaeger trace"]),
        ({"queryType": "dependencyGraph", "datasource": JAEGER}, ["jaeger dependencyGraph"]),
    ],
)
def test_the_data_source_and_type_of_a_query_choose_how_it_is_run(
    tmp_path: Path, target: dict[str, Any], expected: list[str]
) -> None:
    checks = checks_of(tmp_path, dashboard(panels=[panel(targets=[{"refId": "A", **target}])]))
    assert [check.kind for check in checks if check.item == "Requests"] == expected


def test_panels_of_a_collapsed_row_are_checked(tmp_path: Path) -> None:
    row = {"type": "row", "title": "More", "collapsed": True, "panels": [panel(title="Inner")]}
    assert [check.part for check in checks_of(tmp_path, dashboard(panels=[row])) if check.item == "Inner"] == [
        "query A"
    ]


def test_an_unknown_data_source_is_a_problem_that_names_the_known_ones(tmp_path: Path) -> None:
    other = panel(datasource={"type": "prometheus", "uid": "promethius"})
    [problem] = problems(checks_of(tmp_path, dashboard(panels=[other])))
    assert problem == ("data source 'promethius' is not provisioned. Use one of jaeger, prometheus, victorialogs.")


def test_a_panel_without_a_query_is_a_problem_and_a_text_panel_is_not(tmp_path: Path) -> None:
    panels = [panel(targets=[]), panel(type="text", targets=[], title="Notes")]
    assert problems(checks_of(tmp_path, dashboard(panels=panels))) == [
        "panel has no query. Add one, or remove the panel."
    ]


@pytest.mark.parametrize(
    ("description", "excuse"),
    [
        ("Empty until a request fails.", "Empty until a request fails."),
        ("Errors by reason. Empty without losses. See the ledger.", "Empty without losses."),
        ("Errors by reason.\n\nEmpty without losses.", "Empty without losses."),
        ("The queue is Empty after a while.", ""),
        ("It may be empty.", ""),
        ("", ""),
    ],
)
def test_only_a_sentence_that_starts_with_empty_is_an_excuse(tmp_path: Path, description: str, excuse: str) -> None:
    checks = checks_of(tmp_path, dashboard(panels=[panel(description=description)]))
    assert [check.excuse for check in checks if check.item == "Requests"] == [excuse]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("/d/shop", ""),
        ("/d/shop/the-shop?var-service=${__field.labels.service}&${__url_time_range}", ""),
        ("https://example.com/anything", ""),
        ("https://github.com/flext-sh/flext-observability/blob/main/docs/runbooks/ShopSlow.md", ""),
        ('/explore?left={"datasource":"jaeger","queries":[{"query":"${__value.raw}"}]}', ""),
        (
            "/explore?panes=%7B%22a%22%3A%7B%22datasource%22%3A%22tempo%22%7D%7D",
            "data source 'tempo' is not provisioned. Use one of jaeger, prometheus, victorialogs.",
        ),
        ("/d/stop", "no dashboard has the uid 'stop'. Use one of shop."),
        ("/d/shop?var-servce=a", "dashboard 'shop' has no variable var-servce. Correct the link."),
        (
            "https://github.com/flext-sh/flext-observability/blob/main/docs/gone.md",
            "no file docs/gone.md. Write it, or correct the link.",
        ),
        ("shop", "'shop' is neither a dashboard nor an absolute URL. Use /d/<uid> or https://."),
    ],
)
def test_links_of_fields_panels_and_dashboards_are_checked(tmp_path: Path, url: str, problem: str) -> None:
    link = {"title": "Open", "url": url, "type": "link"}
    overrides = [{"matcher": {}, "properties": [{"id": "links", "value": [link]}]}]
    linked = panel(links=[link], fieldConfig={"defaults": {"links": [link]}, "overrides": overrides})
    text = {"type": "text", "title": "Notes", "options": {"content": f"See [the page]({url})."}}
    checks = checks_of(tmp_path, dashboard(panels=[linked, text], links=[link]))
    assert problems(checks) == [problem] * 5 if problem else problems(checks) == []
    assert sum(check.text == url for check in checks if check.group == "shop") == 5


def test_a_list_of_dashboards_without_any_is_a_problem(tmp_path: Path) -> None:
    links = [{"type": "dashboards", "title": "Others", "tags": ["fext"]}]
    assert problems(checks_of(tmp_path, dashboard(links=links))) == ["no dashboard has the tags fext. Correct them."]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (
            "",
            f"runbook_url is ''. Set {PAGES}/docs/runbooks/<alert>.md.",
        ),
        (
            "https://github.com/flext-sh/flext-observability/blob/main/docs/runbooks/Gone.md",
            "no file docs/runbooks/Gone.md. Write the runbook, or correct runbook_url.",
        ),
    ],
)
def test_a_missing_runbook_is_a_problem(tmp_path: Path, url: str, problem: str) -> None:
    rule = {"alert": "ShopSlow", "expr": "up", "annotations": {"runbook_url": url}}
    assert problems(checks_of(tmp_path, rules=[rule])) == [problem]


def test_a_recording_rule_is_run_and_its_series_queried(tmp_path: Path) -> None:
    checks = checks_of(tmp_path, rules=[{"record": "service:requests:rate5m", "expr": "sum(rate(x[5m]))"}])
    found = [(check.part, check.text) for check in checks if check.group == "rules shop"]
    assert found == [("expression", "sum(rate(x[5m]))"), ("recorded series", "service:requests:rate5m")]


def test_one_dashboard_can_be_chosen(tmp_path: Path) -> None:
    files = Files(write(tmp_path, dashboard(), dashboard(uid="other")))
    assert {check.group for check in catalogue(files, "other").checks} == {"other"}
    with pytest.raises(StackError, match=r"No dashboard has the uid 'othre'. Use one of shop, other\."):
        catalogue(files, "othre")


@pytest.mark.parametrize("text", ["{", "[]"])
def test_an_unreadable_file_is_named(tmp_path: Path, text: str) -> None:
    file = write(tmp_path) / "monitoring/grafana/dashboards/0.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StackError, match=r"0\.json: .+ Correct the file\."):
        catalogue(Files(tmp_path))


def test_two_dashboards_with_one_uid_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="uid 'shop' is missing or in use"):
        catalogue(Files(write(tmp_path, dashboard(), dashboard())))


def test_variables_follow_those_that_they_refer_to() -> None:
    inner = VARIABLE | {"name": "operation", "query": {"query": 'label_values(x{service=~"$service"}, operation)'}}
    ordered = variables(dashboard(templating={"list": [inner, VARIABLE]}))
    assert [one["name"] for one in ordered] == ["service", "operation"]


@pytest.mark.parametrize(
    ("changes", "values", "is_all"),
    [
        ({}, ("a", "b"), True),
        ({"current": {"value": ["b"]}}, ("b",), False),
        ({"current": {}, "includeAll": False}, ("a",), False),
        ({"current": {"value": "gone"}, "includeAll": False}, ("a",), False),
        ({"type": "custom", "query": "x, Text : y", "current": {"value": "y"}}, ("y",), False),
        ({"type": "constant", "query": "fixed", "current": {}}, ("fixed",), False),
        ({"type": "textbox", "name": "traceId", "query": "", "current": {}}, ("f" * 32,), False),
        ({"type": "datasource", "query": "prometheus", "current": {}}, ("prometheus",), False),
    ],
)
def test_the_value_of_a_variable_is_that_of_a_newly_opened_dashboard(
    changes: dict[str, Any], values: tuple[str, ...], *, is_all: bool
) -> None:
    variable = VARIABLE | changes
    found = ["a", "b"] if variable["type"] == "query" else []
    value = value_of(variable, found, {"prometheus": PROMETHEUS}, trace_id="f" * 32)
    assert (value.values, value.is_all) == (values, is_all)


def test_the_regular_expression_of_a_variable_filters_and_cuts() -> None:
    assert filtered({"regex": "/^shop-(.+)/"}, ["shop-b", "shop-a", "other", "shop-a"]) == ["a", "b"]
    assert filtered({}, ["b", "a"]) == ["a", "b"]


def test_the_step_of_a_query_and_a_panel_apply(tmp_path: Path) -> None:
    target = PANEL["targets"][0] | {"interval": "1m"}
    checks = checks_of(tmp_path, dashboard(panels=[panel(interval="2m"), panel(title="Other", targets=[target])]))
    steps = {check.item: check.scope.step_seconds for check in checks if check.kind == "prometheus range"}
    assert steps == {"Requests": 120, "Other": 60}


def test_an_internal_link_needs_a_provisioned_data_source(tmp_path: Path) -> None:
    links = [{"title": "Trace", "internal": {"datasourceUid": uid}} for uid in ("jaeger", "tempo")]
    linked = panel(fieldConfig={"defaults": {"links": links}})
    assert problems(checks_of(tmp_path, dashboard(panels=[linked]))) == [
        "data source 'tempo' is not provisioned. Use one of jaeger, prometheus, victorialogs."
    ]
