from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from flext_observability import (
    FlextAlert,
    FlextHealthCheck,
    FlextLogEntry,
    FlextMetric,
    FlextTrace,
    InMemoryStorage,
    MetricsCriteria,
    SQLiteStorage,
)
from flext_observability.domain.entity import Entity

ANY = MetricsCriteria()
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def metric(value: float | Decimal = 1, **fields: Any) -> FlextMetric:
    given: dict[str, Any] = {"name": "load", "value": value, **fields}
    return FlextMetric(**given)


@pytest.fixture(params=["file", ":memory:", "file:shared?mode=memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SQLiteStorage]:
    made = SQLiteStorage(tmp_path / "telemetry.sqlite3" if request.param == "file" else request.param)
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.sqlite3"


def test_every_kind_is_stored_and_found(storage: SQLiteStorage) -> None:
    stored: list[Entity] = [
        metric(Decimal("0.10"), tags={"host": "a"}),
        FlextTrace(operation_name="o", service_name="s", context={"a": [1]}),
        FlextAlert(name="n", severity="info", message="m", details={"a": {"b": 1}}),
        FlextHealthCheck(name="database"),
        FlextLogEntry(level="WARN", message="m"),
    ]
    for each in stored:
        assert storage.store(each).success
    assert [found for each in stored for found in storage.query(each.kind, ANY).unwrap()] == stored
    assert storage.count("metric").data == 1


@pytest.mark.parametrize(
    "criteria",
    [
        ANY,
        MetricsCriteria(name="load"),
        MetricsCriteria(name="LOAD"),
        MetricsCriteria(tags={"host": "1"}),
        MetricsCriteria(tags={"host": "1", 'q"$.\0é': "x\0y"}),
        MetricsCriteria(tags={"host": "1", "zone": "2"}),
        MetricsCriteria(since=NOON + timedelta(minutes=3)),
        MetricsCriteria(until=NOON + timedelta(minutes=3)),
        MetricsCriteria(name="load", since=NOON, until=NOON + timedelta(minutes=5), tags={"host": "0"}, limit=2),
        MetricsCriteria(limit=3),
        MetricsCriteria(limit=(1 << 63) - 1),
    ],
)
def test_a_query_finds_the_same_as_in_memory(storage: SQLiteStorage, criteria: MetricsCriteria) -> None:
    reference = InMemoryStorage()
    for minute in (0, 2, 1, 5, 3, 4, 4):
        tags = {"host": minute % 2, 'q"$.\0é': "x\0y"}
        entity = metric(minute, timestamp=NOON + timedelta(minutes=minute), tags=tags)
        storage.store(entity)
        reference.store(entity)
    assert storage.query("metric", criteria).data == reference.query("metric", criteria).data


def test_storing_a_trace_again_updates_it(storage: SQLiteStorage) -> None:
    trace = FlextTrace(operation_name="o", service_name="s")
    storage.store(trace)
    trace.status, trace.end_time = "ok", NOON
    storage.store(trace)
    assert storage.query("trace", ANY).data == [trace]


def test_other_kinds_have_no_tags(storage: SQLiteStorage) -> None:
    storage.store(FlextHealthCheck(name="database"))
    assert storage.query("health_check", MetricsCriteria(tags={"a": "b"})).data == []


@pytest.mark.parametrize("max_entities", [1, 10, 25])
def test_the_first_stored_are_evicted(file: Path, max_entities: int) -> None:
    storage = SQLiteStorage(file, max_entities=max_entities)
    storage.store(FlextHealthCheck(name="database"))
    for value in range(60):
        assert storage.store(metric(value)).success
        assert storage.count("metric").unwrap() <= max_entities
    found = [each.value for each in storage.query("metric", ANY).unwrap() if isinstance(each, FlextMetric)]
    assert found == list(range(60 - len(found), 60))
    assert len(found) >= max_entities * 0.9
    assert storage.evicted == 60 - len(found)
    assert storage.count("health_check").data == 1
    storage.close()


def test_a_new_process_finds_the_stored_entities_within_the_bound(file: Path) -> None:
    for value in range(30):  # one store per process: none reaches the tenth
        short = SQLiteStorage(file, max_entities=20)
        short.store(metric(value))
        short.close()
    after = SQLiteStorage(file)
    assert 18 <= after.count("metric").unwrap() <= 20
    after.close()


def test_clear_deletes_every_entity(storage: SQLiteStorage) -> None:
    storage.store(metric())
    assert storage.clear().success
    assert storage.count("metric").data == 0


def test_threads_store_and_read_concurrently(storage: SQLiteStorage) -> None:
    done = Event()

    def read() -> list[int]:
        counts: list[int] = []
        while not done.is_set():
            counts.append(len(storage.query("metric", MetricsCriteria(limit=10_000)).unwrap()))
        return counts

    with ThreadPoolExecutor(5) as pool:
        reader = pool.submit(read)
        writers = [pool.submit(lambda: [storage.store(metric()) for _ in range(250)]) for _ in range(4)]
        stored = [result for writer in writers for result in writer.result()]
        done.set()
    assert [result.error for result in stored if result.is_failure] == []
    assert reader.result() == sorted(reader.result())
    assert storage.count("metric").data == 1000


def test_two_storages_share_a_file(file: Path) -> None:
    first, second = SQLiteStorage(file), SQLiteStorage(file)
    for _ in range(3):
        assert first.store(metric()).success
        assert second.store(metric()).success
    assert first.count("metric").data == second.count("metric").data == 6
    first.close()
    second.close()


def test_every_operation_fails_after_close(storage: SQLiteStorage) -> None:
    storage.store(metric())
    for _ in range(2):
        storage.close()
    assert storage.store(metric()).code == "storage_closed"
    assert storage.query("metric", ANY).code == "storage_closed"
    result = storage.count("metric")
    assert result.code == "storage_closed"
    assert str(result.error).endswith(": the storage is closed. Create a new SQLiteStorage.")


def test_the_file_is_opened_on_first_use(file: Path) -> None:
    storage = SQLiteStorage(file)
    assert not file.exists()
    storage.count("metric")
    assert file.exists()
    storage.close()


def test_the_default_path_is_a_file_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    storage = SQLiteStorage()
    storage.store(metric())
    storage.close()
    assert [each.name for each in tmp_path.iterdir()] == ["flext_observability.sqlite3"]


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"path": ""}, "path"),
        ({"path": None}, "path"),
        ({"path": b"telemetry"}, "path"),
        ({"path": 5}, "path"),
        ({"max_entities": 0}, "max_entities"),
        ({"timeout_seconds": -1}, "timeout_seconds"),
        ({"timeout_seconds": float("nan")}, "timeout_seconds"),
        ({"timeout_seconds": "5"}, "timeout_seconds"),
        ({"timeout_seconds": 1e9}, "timeout_seconds"),
        ({"max_bytes": 0}, "max_bytes"),
        ({"max_bytes": "1 MB"}, "max_bytes"),
    ],
)
def test_an_invalid_option_is_a_failure_of_each_operation(tmp_path: Path, options: dict[str, Any], option: str) -> None:
    given: dict[str, Any] = {"path": tmp_path / "x", **options}
    storage = SQLiteStorage(**given)
    result = storage.store(metric())
    assert (result.code, str(result.error).split(":")[0]) == ("invalid_argument", f"Invalid {option}")
    assert result.fix
    assert storage.query("metric", ANY).code == "invalid_argument"
    assert list(tmp_path.iterdir()) == []


def test_only_entities_are_stored_and_only_valid_criteria_queried(storage: SQLiteStorage) -> None:
    assert storage.store(5).code == "invalid_argument"  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert storage.query("metric", MetricsCriteria(limit=0)).code == "invalid_criteria"
