from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from flext_observability import (
    FlextAlert,
    FlextContainer,
    FlextHealthCheck,
    FlextLogEntry,
    FlextMetric,
    FlextObservabilityRepository,
    FlextResult,
    FlextStorageAdapter,
    FlextTrace,
    InMemoryStorage,
    MetricsCriteria,
    SQLiteStorage,
    register_storage,
)
from flext_observability.domain.entity import Entity
from tests.installed import install

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Listing:
    """The least that an adapter must have."""

    def __init__(self) -> None:
        self.entities: list[Entity] = []

    def store(self, entity: Entity) -> FlextResult[None]:
        self.entities.append(entity)
        return FlextResult[None].ok(None)

    def query(self, kind: str, criteria: MetricsCriteria) -> FlextResult[list[Entity]]:
        return FlextResult.ok(criteria.select(each for each in self.entities if each.kind == kind))


class Broken(Listing):
    """An adapter with a mistake in it."""

    def store(self, entity: Entity) -> FlextResult[None]:
        raise RuntimeError("no room")


@pytest.fixture(params=["memory", "sqlite", "own"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FlextObservabilityRepository]:
    storages: dict[str, FlextStorageAdapter] = {
        "memory": InMemoryStorage(),
        "sqlite": SQLiteStorage(tmp_path / "telemetry.sqlite3"),
        "own": Listing(),
    }
    made = FlextObservabilityRepository(storages[request.param])
    yield made
    made.close()


def metric(value: float = 1, **fields: Any) -> FlextMetric:
    given: dict[str, Any] = {"name": "load", "value": value, **fields}
    return FlextMetric(**given)


def test_each_kind_is_found_by_its_name(repository: FlextObservabilityRepository) -> None:
    trace = FlextTrace(operation_name="checkout", service_name="shop")
    alert = FlextAlert(name="disk", severity="error", message="full")
    check = FlextHealthCheck(name="database")
    entry = FlextLogEntry(level="WARN", message="hm")
    assert repository.store_metric(first := metric()).data is first
    assert repository.store_trace(trace).data is trace
    assert repository.store_alert(alert).data is alert
    assert repository.store_health_check(check).data is check
    assert repository.store_log_entry(entry).data is entry
    assert repository.find_metrics_by_name("load").data == [first]
    assert repository.find_traces_by_name("checkout").data == [trace]
    assert repository.find_alerts_by_name("disk").data == [alert]
    assert repository.find_health_checks_by_name("database").data == [check]
    for level in ("warn", "WARNING"):
        assert repository.find_log_entries_by_level(level).data == [entry]
    assert repository.find_metrics_by_name("lo").data == []
    assert (repository.count().data, repository.count("alert").data) == (5, 1)


def test_metrics_are_queried_by_tags_time_and_limit(repository: FlextObservabilityRepository) -> None:
    for minute in range(6):
        repository.store_metric(
            metric(minute, timestamp=NOON + timedelta(minutes=minute), tags={"odd": minute % 2 == 1})
        )
    criteria = MetricsCriteria(name="load", tags={"odd": "true"}, since=NOON + timedelta(minutes=1), limit=2)
    assert [each.value for each in repository.query_metrics(criteria).unwrap()] == [3, 5]
    assert [each.value for each in repository.find_metrics_by_name("load", limit=1).unwrap()] == [5]
    assert len(repository.query("metric", MetricsCriteria()).unwrap()) == 6


@pytest.mark.parametrize(
    ("store", "wrong", "start", "code"),
    [
        ("store_metric", FlextMetric(name=" ", value=1), "Invalid metric name", "invalid_metric"),
        ("store_metric", FlextMetric(name="m", value=float("nan")), "Invalid metric value", "invalid_metric"),
        ("store_metric", "load", "Invalid metric: pass a FlextMetric, not str", "invalid_metric"),
        ("store_metric", FlextHealthCheck(name="database"), "Invalid metric: pass", "invalid_metric"),
        ("store_trace", FlextTrace(operation_name="", service_name="s"), "Invalid operation name", "invalid_trace"),
        ("store_trace", None, "Invalid trace: pass a FlextTrace", "invalid_trace"),
        ("store_alert", FlextAlert(name="n", severity="loud", message="m"), "Invalid alert severity", "invalid_alert"),
        ("store_alert", {}, "Invalid alert: pass a FlextAlert", "invalid_alert"),
        ("store_health_check", FlextHealthCheck(name="n", status="?"), "Invalid health", "invalid_health_check"),
        ("store_health_check", 1, "Invalid health check: pass", "invalid_health_check"),
        ("store_log_entry", FlextLogEntry(level="loud", message="m"), "Invalid log level", "invalid_log"),
        ("store_log_entry", "hello", "Invalid log: pass a FlextLogEntry", "invalid_log"),
    ],
)
def test_wrong_entities_are_not_stored(
    repository: FlextObservabilityRepository, store: str, wrong: object, start: str, code: str
) -> None:
    result = getattr(repository, store)(wrong)
    assert (result.error[: len(start)], result.code) == (start, code)
    assert repository.count().data == 0


@pytest.mark.parametrize(
    "ask",
    [
        lambda repository: repository.query_metrics("load"),
        lambda repository: repository.query_metrics(MetricsCriteria(limit=-1)),
        lambda repository: repository.query("metrics", MetricsCriteria()),
        lambda repository: repository.query("metric", None),
        lambda repository: repository.count("metrics"),
        lambda repository: repository.find_metrics_by_name(None),
        lambda repository: repository.find_metrics_by_name("load", limit=0),
        lambda repository: repository.find_log_entries_by_level(5),
    ],
)
def test_wrong_questions_are_failures(repository: FlextObservabilityRepository, ask: Callable[[Any], Any]) -> None:
    result = ask(repository)
    assert (result.code, result.error[:16]) == ("invalid_criteria", "Invalid criteria")


def test_the_default_keeps_the_newest_ten_thousand_of_a_kind() -> None:
    repository = FlextObservabilityRepository()
    for value in range(10_005):
        repository.store_metric(metric(value))
    repository.store_alert(FlextAlert(name="n", severity="info", message="m"))
    assert repository.count("metric").data == 10_000
    assert repository.count().data == 10_001
    storage = repository.storage.unwrap()
    assert isinstance(storage, InMemoryStorage)
    assert storage.evicted == 5


def test_cleared_is_empty() -> None:
    repository = FlextObservabilityRepository()
    repository.store_metric(metric())
    assert repository.clear().success
    assert repository.count().data == 0


def test_an_adapter_that_cannot_clear_says_so() -> None:
    result = FlextObservabilityRepository(Listing()).clear()
    assert (result.code, str(result.error)[:7]) == ("unsupported", "Listing")


def test_after_the_close_every_operation_fails(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "telemetry.sqlite3")
    for given in (storage, None):
        repository = FlextObservabilityRepository(given)
        assert repository.store_metric(metric()).success
        for _ in range(2):
            assert repository.close().success
        assert repository.store_metric(metric()).code == "storage_closed"
        assert repository.find_metrics_by_name("load").code == "storage_closed"
        assert repository.count().code == repository.clear().code == "storage_closed"
    assert storage.count("metric").code == "storage_closed"  # the adapter was closed with it


def test_a_storage_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    repository = FlextObservabilityRepository("sqlite")
    assert repository.store_metric(metric()).success
    assert repository.close().success
    assert (tmp_path / "flext_observability.sqlite3").is_file()
    assert isinstance(FlextObservabilityRepository("memory").storage.unwrap(), InMemoryStorage)


def test_a_registered_storage_is_found_by_name() -> None:
    name, storage = f"test_{uuid4().hex}", Listing()
    assert register_storage(name, storage).success
    assert FlextObservabilityRepository(name).storage.data is storage


def test_a_storage_is_found_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
from flext_observability import FlextResult

class Kept:
    entities = []
    def store(self, entity):
        self.entities.append(entity)
        return FlextResult.ok(None)
    def query(self, kind, criteria):
        return FlextResult.ok(criteria.select(each for each in self.entities if each.kind == kind))
"""
    group = "flext_observability.storage"
    install(tmp_path, monkeypatch, "kept_storage", source, {group: {"kept": "kept_storage:Kept"}})
    repository = FlextObservabilityRepository("kept")
    repository.store_metric(metric())
    assert len(repository.find_metrics_by_name("load").unwrap()) == 1


def test_an_unknown_name_lists_what_there_is() -> None:
    repository = FlextObservabilityRepository("sqlit")
    for result in (repository.store_metric(metric()), repository.count(), repository.clear()):
        assert result.code == "unknown_storage"
        assert "memory, sqlite" in str(result.error)
    assert repository.close().success


def test_an_object_that_is_no_storage_is_told() -> None:
    repository = FlextObservabilityRepository(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    result = repository.store_metric(metric())
    assert (result.code, str(result.error)[:15]) == ("invalid_storage", "Invalid storage")


def test_the_container_brings_the_storage() -> None:
    container, storage = FlextContainer(), Listing()
    container.register("storage", storage)
    assert FlextObservabilityRepository(container=container).storage.data is storage
    assert FlextObservabilityRepository("memory", container).storage.data is not storage


def test_an_adapter_that_raises_is_a_failure() -> None:
    assert FlextObservabilityRepository(Broken()).store_metric(metric()).code == "internal"


def test_it_may_be_awaited() -> None:
    async def work() -> int:
        repository = FlextObservabilityRepository()
        await repository.store_metric(metric())
        return (await repository.count()).unwrap()

    assert asyncio.run(work()) == 1


def test_threads_store_side_by_side(repository: FlextObservabilityRepository) -> None:
    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(lambda: [repository.store_metric(metric()) for _ in range(1000)])
    assert repository.count("metric").data == 8000


def test_a_thousand_metrics_take_a_megabyte_and_a_half_at_most() -> None:
    import gc
    import tracemalloc

    repository = FlextObservabilityRepository()
    repository.store_metric(metric())
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(1000):
            tags = {"endpoint": f"/orders/{number % 10}", "method": "GET"}
            repository.store_metric(metric(number * 1.1, unit="s", tags=tags, metric_type="histogram"))
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size <= 1_500_000
