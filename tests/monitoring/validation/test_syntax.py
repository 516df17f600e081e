"""Syntax of YAML and JSON files, without the programs of the stack."""

from __future__ import annotations

import pytest

from monitoring.validation.faults import Fault
from tests.monitoring.validation.copies import Copy

PROMETHEUS = "monitoring/prometheus/prometheus.yml"
DATA_SOURCES = "monitoring/grafana/provisioning/datasources/stack.yml"


def only_fault(copy: Copy, title: str = "syntax") -> Fault:
    (fault,) = copy.faults(title)
    return fault


def test_the_shipped_files_have_no_fault(copy: Copy) -> None:
    assert copy.faults("syntax") == []


def test_a_tab_is_named_with_its_line_and_spaces_as_fix(copy: Copy) -> None:
    line = copy.change(PROMETHEUS, "  scrape_timeout:", "\tscrape_timeout:")
    fault = only_fault(copy)
    assert (fault.file, fault.line) == (PROMETHEUS, line)
    assert "tab" in fault.why
    assert fault.action == "Indent with spaces"


def test_a_repeated_key_is_named_with_the_line_of_the_first(copy: Copy) -> None:
    first = copy.change(PROMETHEUS, "  scrape_interval: 15s\n", "  scrape_interval: 15s\n  scrape_interval: 30s\n")
    fault = only_fault(copy)
    assert (fault.line, fault.what) == (first + 1, 'key "scrape_interval"')
    assert f"in line {first}" in fault.why
    assert "Remove one of the two" in fault.action


@pytest.mark.parametrize(
    ("old", "new", "action"),
    [
        ("scrape_interval: 15s", "scrape_interval: 'x", "Close the quotation mark"),
        ("  scrape_interval: 15s", "  scrape_interval: a: b", "Quote a value that contains a colon"),
        ("- job_name: stack", "- job_name: [stack", "Close the bracket"),
        ("scrape_interval: 15s", "scrape_interval: *none", "Define the anchor"),
        ("scrape_interval: 15s", "scrape_interval: @none", "quote values that start with @"),
        ("global:\n", "<<<<<<< HEAD\nglobal:\n", "Solve the conflict"),
    ],
)
def test_invalid_yaml_has_a_line_and_a_fix(copy: Copy, old: str, new: str, action: str) -> None:
    line = copy.change(PROMETHEUS, old, new)
    fault = only_fault(copy)
    assert fault.file == PROMETHEUS
    assert line <= fault.line <= line + 60
    assert action in fault.action


def test_an_empty_file_is_named(copy: Copy) -> None:
    copy.write(PROMETHEUS, "# only a comment\n")
    assert str(only_fault(copy)).startswith(f"{PROMETHEUS}:1: file: it has no content. Restore it: git checkout")


def test_a_missing_file_is_named(copy: Copy) -> None:
    copy.path(DATA_SOURCES).unlink()
    assert str(only_fault(copy)) == (
        f"{DATA_SOURCES}:1: file: it does not exist. Restore it: git checkout -- {DATA_SOURCES}."
    )


def test_a_folder_in_place_of_a_file_is_named(copy: Copy) -> None:
    copy.path(DATA_SOURCES).unlink()
    copy.path(DATA_SOURCES).mkdir()
    fault = only_fault(copy)
    assert fault.file == DATA_SOURCES
    assert "Is a directory" in fault.why


def test_text_that_is_not_utf_8_is_named_with_its_line(copy: Copy) -> None:
    content = copy.path(PROMETHEUS).read_bytes()
    copy.path(PROMETHEUS).write_bytes(content + b"# caf\xe9\n")
    fault = only_fault(copy)
    assert fault.line == content.count(b"\n") + 1
    assert "0xe9 is not valid UTF-8" in fault.why
    assert fault.action == "Save the file as UTF-8"


def test_a_control_character_is_named_with_its_line(copy: Copy) -> None:
    line = copy.change(PROMETHEUS, "scrape_interval: 15s", "scrape_interval: \x01")
    assert only_fault(copy).line == line


def test_line_ends_of_windows_and_a_byte_order_mark_are_valid_yaml(copy: Copy) -> None:
    content = copy.path(PROMETHEUS).read_bytes().replace(b"\n", b"\r\n")
    copy.path(PROMETHEUS).write_bytes(b"\xef\xbb\xbf" + content)
    assert copy.faults("YAML syntax") == []


def dashboard(copy: Copy) -> str:
    return str(next(copy.path("monitoring/grafana/dashboards").glob("*.json")).relative_to(copy.folder))


def test_invalid_json_has_line_and_column(copy: Copy) -> None:
    file = dashboard(copy)
    line = copy.change(file, '"title":', '"title" =')
    fault = only_fault(copy)
    assert (fault.file, fault.line) == (file, line)
    assert "column" in fault.why


def test_a_byte_order_mark_in_json_is_a_fault(copy: Copy) -> None:
    file = dashboard(copy)
    copy.write(file, "\ufeff" + copy.text(file))
    assert "without a byte order mark" in only_fault(copy).action


def test_a_repeated_key_in_json_is_a_fault(copy: Copy) -> None:
    file = dashboard(copy)
    line = copy.change(file, '"title":', '"title": "other",\n  "title":')
    assert only_fault(copy).line == line + 1
