"""Dashboards that differ from their code."""

from __future__ import annotations

from tests.monitoring.validation.copies import Copy

FOLDER = "monitoring/grafana/dashboards"
FILE = f"{FOLDER}/service-overview.json"
TITLE = "those of monitoring/dashboards"


def test_the_shipped_dashboards_are_up_to_date(copy: Copy) -> None:
    assert copy.faults(TITLE) == []


def test_a_changed_dashboard_has_the_first_line_that_differs(copy: Copy) -> None:
    line = copy.change(FILE, '"title": ', '"title": "Changed", "was": ')
    (fault,) = copy.faults(TITLE)
    assert (fault.file, fault.line, fault.action) == (FILE, line, "Run `make dashboards`")


def test_a_cut_dashboard_has_its_last_line(copy: Copy) -> None:
    lines = copy.text(FILE).splitlines()[:10]
    copy.write(FILE, "\n".join(lines) + "\n")
    (fault,) = copy.faults(TITLE)
    assert fault.line == 10


def test_a_missing_dashboard_and_one_without_code_are_faults(copy: Copy) -> None:
    copy.path(FILE).rename(copy.path(f"{FOLDER}/other.json"))
    other, missing = copy.faults(TITLE)
    assert other.file == f"{FOLDER}/other.json"
    assert "no code generates it" in other.why
    assert (missing.file, missing.why) == (FILE, "the file does not exist")
