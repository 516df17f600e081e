"""Rows and files that are unusual or damaged: each costs itself alone. And who may read the file."""

from __future__ import annotations

import math
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flext_observability import FlextAlert, FlextLogEntry, FlextMetric, FlextTrace, MetricsCriteria, SQLiteStorage
from flext_observability.domain.entity import Entity

ANY = MetricsCriteria()
TAGS = MetricsCriteria(tags={"host": "a"})
CYCLE: dict[str, Any] = {}
CYCLE["again"] = CYCLE
DAMAGED = [
    *("invalid", "", "[]", "5", "null", '"a"', '{"host": ', '{"host": {"a": 1}}', "[" * 5000, "\ud7ff\0"),
    *(b"\xff\x00", 7),
]
UPDATES = {
    "tags": "UPDATE entities SET tags = {} WHERE id = ?",
    "body": "UPDATE entities SET body = {} WHERE id = ?",
    "name": "UPDATE entities SET name = {} WHERE id = ?",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.sqlite3"


@pytest.fixture
def storage(file: Path) -> Iterator[SQLiteStorage]:
    made = SQLiteStorage(file)
    yield made
    made.close()


def metric(**fields: Any) -> FlextMetric:
    given: dict[str, Any] = {"name": "load", "value": 1, "tags": {"host": "a"}, **fields}
    return FlextMetric(**given)


def change(file: Path, statement: str, *values: object) -> None:
    """Change the file as another program does."""
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(statement, values)
    connection.close()


@pytest.mark.parametrize("text", ["a\ud800b", "\udc80", "a\0b", "\0", "名", "x" * 100_000])
def test_names_of_any_text_are_stored_and_found(storage: SQLiteStorage, text: str) -> None:
    stored: list[Entity] = [
        metric(name=text),
        FlextTrace(operation_name=text, service_name=text),
        FlextAlert(name=text, severity="info", message=text),
    ]
    for each in stored:
        assert storage.store(metric()).success
        assert storage.store(each).success
        assert storage.query(each.kind, MetricsCriteria(name=text)).unwrap() == [each]


@pytest.mark.parametrize("text", ["a\ud800b", "a\0b", "名"])
def test_ids_and_tags_of_any_text_are_stored_and_found(storage: SQLiteStorage, text: str) -> None:
    entry = FlextLogEntry.model_construct(id=text, level="info", message="m", timestamp=metric().timestamp)
    assert storage.store(entry).success
    assert storage.store(entry).success
    assert storage.count("log").data == 1
    tagged = metric(tags={text: text})
    assert storage.store(tagged).success
    assert storage.query("metric", MetricsCriteria(tags={text: text})).unwrap() == [tagged]


@pytest.mark.parametrize(
    "value",
    [math.inf, 1 << 20_000, "\ud800", "\0", {"\ud800\0": {"a": [None, 1e999]}}, CYCLE, object()],
    ids=range(7),
)
def test_details_of_any_value_are_stored(storage: SQLiteStorage, value: object) -> None:
    assert storage.store(FlextAlert(name="n", severity="info", message="m", details={"it": value})).success
    (found,) = storage.query("alert", ANY).unwrap()
    assert isinstance(found, FlextAlert)
    assert "it" in found.details


def test_a_value_that_is_not_a_number_is_stored(storage: SQLiteStorage) -> None:
    assert storage.store(metric(value=math.nan)).success
    (found,) = storage.query("metric", TAGS).unwrap()
    assert isinstance(found, FlextMetric)
    assert math.isnan(found.value)


@pytest.mark.parametrize("kind", ["\ud800", "unknown", "", 5, None, ["metric"]])
def test_an_unknown_kind_has_no_entities(storage: SQLiteStorage, kind: Any) -> None:
    storage.store(metric())
    assert (storage.query(kind, ANY).data, storage.count(kind).data) == ([], 0)


@pytest.mark.parametrize("column", ["tags", "body"])
@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_row_costs_itself_alone(
    storage: SQLiteStorage, file: Path, column: str, content: str | bytes | int
) -> None:
    kept, damaged = metric(), metric()
    assert storage.store(kept).success
    assert storage.store(damaged).success
    change(file, UPDATES[column].format("?"), content, damaged.id)
    found = storage.query("metric", TAGS)
    assert found.success, found.error
    assert found.data == [kept]
    assert storage.query("metric", MetricsCriteria(tags={"host": "b"})).data == []
    assert storage.count("metric").data == 2
    assert storage.clear().success


@pytest.mark.parametrize("content", [b"\xff\xfe{}", b"\xa5" * 100])
@pytest.mark.parametrize("column", ["tags", "body", "name"])
def test_a_row_that_is_not_utf8_costs_itself_alone(
    storage: SQLiteStorage, file: Path, column: str, content: bytes
) -> None:
    kept, damaged = metric(), metric()
    storage.store(kept)
    storage.store(damaged)
    change(file, UPDATES[column].format("CAST(? AS TEXT)"), content, damaged.id)
    assert storage.query("metric", MetricsCriteria(name="load", tags={"host": "a"})).unwrap() == [kept]


def test_damaged_rows_do_not_count_for_the_limit(storage: SQLiteStorage, file: Path) -> None:
    kept = [metric(value=number) for number in range(3)]
    damaged = [metric(value=number) for number in range(20)]
    for each in (*kept, *damaged):
        storage.store(each)
    for each in damaged:
        change(file, "UPDATE entities SET body = '{}' WHERE id = ?", each.id)
    assert storage.query("metric", MetricsCriteria(limit=2)).unwrap() == kept[1:]
    assert storage.query("metric", MetricsCriteria(limit=10)).unwrap() == kept


@pytest.mark.parametrize("statement", ["DROP TABLE entities", "ALTER TABLE entities DROP COLUMN emitted"])
def test_a_table_that_another_program_changed_is_a_damaged_file(
    storage: SQLiteStorage, file: Path, statement: str
) -> None:
    storage.store(metric())
    change(file, statement)
    for result in (storage.store(metric()), storage.query("metric", ANY)):
        assert result.code == "storage_corrupt"
        assert "the database lacks a table or a column. Move the file away" in str(result.error)


def test_a_full_disk_is_a_failure_until_there_is_space(small_disk: Path) -> None:
    storage = SQLiteStorage(small_disk / "telemetry.sqlite3")
    assert storage.store(metric()).success
    blocker = small_disk / "blocker"
    left = os.statvfs(small_disk)
    blocker.write_bytes(bytes(left.f_bavail * left.f_frsize))
    results = [storage.store(metric(tags={"text": "x" * 4000})) for _ in range(20)]
    assert {result.code for result in results if result.is_failure} == {"storage_full"}
    stored = 1 + sum(result.success for result in results)
    assert len(storage.query("metric", ANY).unwrap()) == stored
    blocker.unlink()
    assert storage.store(metric()).success
    assert storage.count("metric").data == stored + 1
    storage.close()


@pytest.mark.parametrize("path", ["{}", "file:{}", "file:{}?mode=rwc"])
def test_a_new_file_is_for_its_owner_alone(file: Path, path: str) -> None:
    before = os.umask(0)
    try:
        storage = SQLiteStorage(path.format(file))
        assert storage.store(metric()).success
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()}
        storage.close()
    finally:
        os.umask(before)
    assert file.name in modes
    assert set(modes.values()) == {0o600}


def test_an_existing_file_keeps_its_mode(file: Path) -> None:
    file.touch()
    file.chmod(0o640)
    storage = SQLiteStorage(file)
    assert storage.store(metric()).success
    storage.close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.parametrize("options", ["mode=ro", "mode=rw", "cache=private&mode=rw"])
def test_a_uri_that_creates_no_file_creates_none(file: Path, options: str) -> None:
    storage = SQLiteStorage(f"file:{file}?{options}")
    assert storage.query("metric", ANY).code == "storage_unavailable"
    assert not file.exists()
