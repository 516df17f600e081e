from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
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
from tests.threads import in_threads

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class ListStorage:
    """The smallest valid adapter."""

    def __init__(self) -> None:
        self.entities: list[Entity] = []

    def store(self, entity: Entity) -> FlextResult[None]:
        self.entities.append(entity)
        return FlextResult[None].ok(None)

    def query(self, kind: str, criteria: MetricsCriteria) -> FlextResult[list[Entity]]:
        return FlextResult.ok(criteria.select(each for each in self.entities if each.kind == kind))


class BrokenStorage(ListStorage):
    """An adapter that raises."""

    def store(self, entity: Entity) -> FlextResult[None]:
        raise RuntimeError("no room")


@pytest.fixture(params=["memory", "sqlite", "custom"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FlextObservabilityRepository]:
    storages: dict[str, FlextStorageAdapter] = {
        "memory": InMemoryStorage(),
        "sqlite": SQLiteStorage(tmp_path / "telemetry.sqlite3"),
        "custom": ListStorage(),
    }
    opened = FlextObservabilityRepository(storages[request.param])
    yield opened
    opened.close()


def metric(value: float = 1, **fields: Any) -> FlextMetric:
    given: dict[str, Any] = {"name": "load", "value": value, **fields}
    return FlextMetric(**given)


def test_each_kind_is_found_by_name(repository: FlextObservabilityRepository) -> None:
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
            metric(minute, timestamp=NOON + timedelta(minutes=minute), tags={"uneven": minute % 2 == 1})
        )
    criteria = MetricsCriteria(name="load", tags={"uneven": "true"}, since=NOON + timedelta(minutes=1), limit=2)
    assert [each.value for each in repository.query_metrics(criteria).unwrap()] == [3, 5]
    assert [each.value for each in repository.find_metrics_by_name("load", limit=1).unwrap()] == [5]
    assert len(repository.query("metric", MetricsCriteria()).unwrap()) == 6


@pytest.mark.parametrize(
    ("store", "invalid", "start", "code"),
    [
        ("store_metric", FlextMetric(name=" ", value=1), "Invalid metric name", "invalid_metric"),
        ("store_metric", FlextMetric(name="m", value=float("nan")), "Invalid metric value", "invalid_metric"),
        ("store_metric", "load", "Invalid metric: str is not a FlextMetric. Pass a FlextMetric.", "invalid_metric"),
        (
            "store_metric",
            FlextHealthCheck(name="database"),
            "Invalid metric: FlextHealthCheck is not a FlextMetric",
            "invalid_metric",
        ),
        ("store_trace", FlextTrace(operation_name="", service_name="s"), "Invalid operation name", "invalid_trace"),
        ("store_trace", None, "Invalid trace: NoneType is not a FlextTrace", "invalid_trace"),
        ("store_alert", FlextAlert(name="n", severity="loud", message="m"), "Invalid alert severity", "invalid_alert"),
        ("store_alert", {}, "Invalid alert: dict is not a FlextAlert", "invalid_alert"),
        ("store_health_check", FlextHealthCheck(name="n", status="?"), "Invalid health", "invalid_health_check"),
        ("store_health_check", 1, "Invalid health check: int is not a FlextHealthCheck", "invalid_health_check"),
        ("store_log_entry", FlextLogEntry(level="loud", message="m"), "Invalid log level", "invalid_log"),
        ("store_log_entry", "hello", "Invalid log: str is not a FlextLogEntry", "invalid_log"),
    ],
)
def test_invalid_entities_are_not_stored(
    repository: FlextObservabilityRepository, store: str, invalid: object, start: str, code: str
) -> None:
    result = getattr(repository, store)(invalid)
    assert (result.error[: len(start)], result.code) == (start, code)
    assert repository.count().data == 0


@pytest.mark.parametrize(
    "query",
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
def test_invalid_queries_are_failures(repository: FlextObservabilityRepository, query: Callable[[Any], Any]) -> None:
    result = query(repository)
    assert (result.code, result.error[:16]) == ("invalid_criteria", "Invalid criteria")


def test_the_default_storage_keeps_the_newest_ten_thousand_of_a_kind() -> None:
    repository = FlextObservabilityRepository()
    for value in range(10_005):
        repository.store_metric(metric(value))
    repository.store_alert(FlextAlert(name="n", severity="info", message="m"))
    assert repository.count("metric").data == 10_000
    assert repository.count().data == 10_001
    storage = repository.storage.unwrap()
    assert isinstance(storage, InMemoryStorage)
    assert storage.evicted == 5


def test_clear_deletes_every_entity() -> None:
    repository = FlextObservabilityRepository()
    repository.store_metric(metric())
    assert repository.clear().success
    assert repository.count().data == 0


def test_an_adapter_without_clear_is_a_failure() -> None:
    result = FlextObservabilityRepository(ListStorage()).clear()
    assert (result.code, result.message) == ("unsupported", "Cannot clear the storage: ListStorage has no method clear")
    assert result.fix


def test_every_operation_fails_after_close(tmp_path: Path) -> None:
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
    name, storage = f"test_{uuid4().hex}", ListStorage()
    assert register_storage(name, storage).success
    assert FlextObservabilityRepository(name).storage.data is storage


def test_a_storage_is_found_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
from flext_observability import FlextResult

class Bundled:
    entities = []
    def store(self, entity):
        self.entities.append(entity)
        return FlextResult.ok(None)
    def query(self, kind, criteria):
        return FlextResult.ok(criteria.select(each for each in self.entities if each.kind == kind))
"""
    group = "flext_observability.storage"
    install(tmp_path, monkeypatch, "bundled_storage", source, {group: {"bundled": "bundled_storage:Bundled"}})
    repository = FlextObservabilityRepository("bundled")
    repository.store_metric(metric())
    assert len(repository.find_metrics_by_name("load").unwrap()) == 1


def test_an_unknown_name_lists_the_known_ones() -> None:
    repository = FlextObservabilityRepository("sqlit")
    for result in (repository.store_metric(metric()), repository.count(), repository.clear()):
        assert result.code == "unknown_storage"
        assert "memory, sqlite" in str(result.error)
    assert repository.close().success


def test_an_object_that_is_not_a_storage_is_a_failure() -> None:
    repository = FlextObservabilityRepository(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    result = repository.store_metric(metric())
    assert (result.code, str(result.error)[:15]) == ("invalid_storage", "Invalid storage")


def test_the_storage_of_the_container_is_used() -> None:
    container, storage = FlextContainer(), ListStorage()
    container.register("storage", storage)
    assert FlextObservabilityRepository(container=container).storage.data is storage
    assert FlextObservabilityRepository("memory", container).storage.data is not storage


def test_an_adapter_that_raises_is_a_failure() -> None:
    assert FlextObservabilityRepository(BrokenStorage()).store_metric(metric()).code == "internal"


def test_operations_may_be_awaited() -> None:
    async def work() -> int:
        repository = FlextObservabilityRepository()
        await repository.store_metric(metric())
        return (await repository.count()).unwrap()

    assert asyncio.run(work()) == 1


def test_threads_store_concurrently(repository: FlextObservabilityRepository) -> None:
    in_threads(lambda _: [repository.store_metric(metric()) for _ in range(1000)])
    assert repository.count("metric").data == 8000


def test_a_thousand_metrics_use_at_most_1_5_megabytes() -> None:
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
