"""The dashboards of Grafana as generated: files, layout, variables, links, and the types of Grafana's schema."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.dashboards.definition import TAG
from monitoring.dashboards.files import FOLDER, contents, stale, write
from monitoring.native.places import REPOSITORY

DASHBOARDS: dict[str, dict[str, Any]] = {
    name.removesuffix(".json"): json.loads(text) for name, text in contents().items()
}
UIDS = {
    "service-overview",
    "traces",
    "logs",
    "python-process",
    "telemetry-pipeline",
    "collector",
    "prometheus-alertmanager",
    "alerts-health",
}
BUILT_IN = re.compile(r"__(all|rate_interval|range|interval|url_time_range|value|data|field)")
each_dashboard = pytest.mark.parametrize("uid", sorted(DASHBOARDS))


def panels(uid: str) -> list[dict[str, Any]]:
    """Return the panels of a dashboard without its rows."""
    return [one for one in DASHBOARDS[uid]["panels"] if one["type"] != "row"]


def texts(value: object) -> Iterator[str]:
    """Yield all texts in a JSON value."""
    if isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str):
        yield value


def test_there_is_a_file_for_each_dashboard_and_no_other() -> None:
    assert set(DASHBOARDS) == UIDS
    assert all(dashboard["uid"] == uid for uid, dashboard in DASHBOARDS.items())
    assert {path.stem for path in FOLDER.glob("*.json")} == UIDS


def test_the_files_are_up_to_date() -> None:
    assert stale() == [], "run `make dashboards`"


def test_files_that_differ_are_named_and_written_again(tmp_path: Path) -> None:
    assert len(write(tmp_path)) == len(UIDS)
    assert write(tmp_path) == []
    changed, extra, missing = tmp_path / "logs.json", tmp_path / "own.json", tmp_path / "traces.json"
    changed.write_text("{}", encoding="utf-8")
    extra.write_text("{}", encoding="utf-8")
    missing.unlink()
    assert set(stale(tmp_path)) == {changed, extra, missing}
    write(tmp_path)
    assert stale(tmp_path) == []
    assert not extra.exists()


def test_the_command_accepts_the_files() -> None:
    command = [sys.executable, "-m", "monitoring.dashboards", "check"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@each_dashboard
def test_the_types_of_grafana_read_and_write_the_same_json(uid: str) -> None:
    register_default_plugins()
    read = Dashboard.from_json(DASHBOARDS[uid])
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == DASHBOARDS[uid]


@each_dashboard
def test_panels_have_unique_ids_and_do_not_overlap(uid: str) -> None:
    everything = DASHBOARDS[uid]["panels"]
    ids = [panel.get("id") for panel in everything]
    assert len(ids) == len(set(ids))
    cells: set[tuple[int, int]] = set()
    for panel in everything:
        place = panel["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not own & cells, panel["title"]
        cells |= own


@each_dashboard
def test_each_panel_has_title_description_and_queries(uid: str) -> None:
    titles = [panel["title"] for panel in panels(uid)]
    assert len(titles) == len(set(titles)) > 3
    for panel in panels(uid):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["targets"], panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len(set(references))
        for target in panel["targets"]:
            assert target["datasource"]["uid"] in {"prometheus", "victorialogs", "jaeger"}
            assert target.get("expr") or target.get("queryType") in {"search", "dependencyGraph"}


@each_dashboard
def test_each_variable_is_defined_and_used(uid: str) -> None:
    defined = [variable["name"] for variable in DASHBOARDS[uid].get("templating", {}).get("list", [])]
    assert len(defined) == len(set(defined))
    found = " ".join(texts(DASHBOARDS[uid]))
    used = {name for name in re.findall(r"\$\{?([A-Za-z_]\w*)", found) if not BUILT_IN.match(name)}
    assert used == set(defined)


@each_dashboard
def test_variables_of_multiple_values_are_matched_as_regular_expressions(uid: str) -> None:
    multiple = [one["name"] for one in DASHBOARDS[uid].get("templating", {}).get("list", []) if one.get("multi")]
    for panel in panels(uid):
        for target in panel["targets"]:
            for name in multiple:
                for operator in re.findall(rf'(\S{{2}})"\$(?:{name}\b|{{{name}[:}}])', target.get("expr", "")):
                    assert operator == "=~", target["expr"]


@each_dashboard
def test_each_dashboard_links_to_the_others_and_to_its_page(uid: str) -> None:
    dropdown, page, *runbooks = DASHBOARDS[uid]["links"]
    assert DASHBOARDS[uid]["tags"] == [TAG] == dropdown["tags"]
    assert dropdown["includeVars"]
    assert dropdown["keepTime"]
    assert (REPOSITORY / "docs" / page["url"].rpartition("/")[2]).is_file()
    for link in runbooks:
        assert (REPOSITORY / "docs" / "runbooks" / link["url"].rpartition("/")[2]).is_file()
    for text in texts(DASHBOARDS[uid]):
        for target in re.findall(r"/d/([\w-]+)", text):
            assert target in UIDS, text
            assert "${__url_time_range}" in text


@each_dashboard
def test_a_dashboard_marks_firing_alerts_and_cannot_be_edited(uid: str) -> None:
    (annotation,) = DASHBOARDS[uid]["annotations"]["list"]
    assert annotation["expr"].startswith('ALERTS{alertstate="firing"')
    assert DASHBOARDS[uid]["editable"] is False


def test_requests_and_durations_have_exemplars() -> None:
    with_exemplars = {
        panel["title"] for panel in panels("service-overview") for one in panel["targets"] if one.get("exemplar")
    }
    assert with_exemplars == {"Requests by service", "Durations", "Distribution of durations"}
