from __future__ import annotations

import tracemalloc
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from flext_observability import FlextMetric, FlextMetricsService, flext_create_metric
from flext_observability.adapters.instrument_table import instrument_table
from tests.recorded import Recorded
from tests.threads import in_threads


@pytest.fixture
def service() -> FlextMetricsService:
    return FlextMetricsService()


class TestRecordMetric:
    def test_an_entity_and_a_name_record_the_same(self, recorded: Recorded, service: FlextMetricsService) -> None:
        metric = FlextMetric(name="svc.orders", value=2, unit="count", tags={"a": "x"}, metric_type="counter")
        assert service.record_metric(metric).data is metric
        created = service.record_metric("svc.orders", 3, "count", {"a": "x"}, "counter").unwrap()
        assert isinstance(created, FlextMetric)
        assert recorded.values("svc.orders") == {(("a", "x"),): 5}

    def test_an_entity_counts_once(self, recorded: Recorded, service: FlextMetricsService) -> None:
        metric = flext_create_metric("svc.once", 1, metric_type="counter").unwrap()
        for same in (metric, metric, metric.model_copy()):
            assert service.record_metric(same).success
        assert recorded.values("svc.once") == {(): 1}
        assert list(service._metrics_store) == [metric]
        assert "svc.once" in service.export_prometheus_format().unwrap()
        assert len(recorded.handle.metrics._metrics_store) >= 1

    def test_a_decimal_keeps_its_digits(self, service: FlextMetricsService) -> None:
        value = Decimal("0.1234567890123456789012345678901234567890")
        assert service.record_metric("svc.decimal", value).unwrap().value == value

    def test_an_invalid_entity_fails(self, service: FlextMetricsService) -> None:
        result = service.record_metric(FlextMetric(name="", value=1))
        assert str(result.error).startswith("Invalid metric name")
        assert len(service._metrics_store) == 0

    def test_another_kind_for_a_name_fails_and_names_both(self, service: FlextMetricsService) -> None:
        assert service.record_metric("svc.conflict", 1, "s").success
        result = service.record_metric("svc.conflict", 1, "s", None, "counter")
        assert result.code == "instrument_conflict"
        assert 'counter "svc.conflict" in s conflicts with gauge "svc.conflict" in s' in str(result.error)
        assert [
            conflict.discarded for conflict in service.conflicts().unwrap() if conflict.first.name == "svc.conflict"
        ] == [1]

    def test_before_the_start_metrics_are_stored(self, service: FlextMetricsService) -> None:
        assert service.record_metric("svc.before", 1).success
        assert [metric.name for metric in service._metrics_store] == ["svc.before"]

    def test_the_store_keeps_the_newest(self) -> None:
        service = FlextMetricsService(store_size=2)
        metrics = [service.record_metric("svc.stored", number).unwrap() for number in range(3)]
        assert list(service._metrics_store) == metrics[1:]
        service.record_metric(metrics[2])
        assert list(service._metrics_store) == metrics[1:]

    def test_a_thousand_stored_metrics_use_at_most_1_5_megabytes(self, service: FlextMetricsService) -> None:
        def record(value: float) -> None:
            service.record_metric("svc.stored_size", value, "ms", {"region": "eu", "shop": "north"})

        record(0)
        tracemalloc.start()
        for number in range(1000):
            record(number + 0.5)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert size < 1_500_000

    def test_totals_of_many_threads_are_exact(self, recorded: Recorded, service: FlextMetricsService) -> None:
        in_threads(lambda _: [service.record_metric("svc.threads", 1, metric_type="counter") for _ in range(100)])
        assert recorded.values("svc.threads") == {(): 800}
        assert "\nsvc_total" not in service.export_prometheus_format().unwrap()
        (family,) = text_string_to_metric_families(service.export_prometheus_format().unwrap())
        assert [sample.value for sample in family.samples] == [800]


class TestCollectMetrics:
    def test_mappings_and_numbers_create_entities(self, recorded: Recorded, service: FlextMetricsService) -> None:
        values: dict[str, Any] = {
            "svc.cpu": {"value": 80, "unit": "percent", "tags": {"core": 1}},
            "svc.requests": {"value": 2, "metric_type": "counter"},
            "svc.plain": 5,
        }
        entities = service.collect_metrics("orders", values).unwrap()
        assert [entity.name for entity in entities] == list(values)
        assert recorded.values("svc.cpu") == {(("core", "1"), ("service.name", "orders")): 80}
        assert recorded.metric("svc.cpu").unit == "%"
        assert recorded.values("svc.requests") == {(("service.name", "orders"),): 2}
        assert recorded.values("svc.plain") == {(("service.name", "orders"),): 5}

    @pytest.mark.parametrize("values", [{}, None, 5, []])
    def test_no_values_fail(self, service: FlextMetricsService, values: Any) -> None:
        assert service.collect_metrics("orders", values).code == "invalid_argument"

    @pytest.mark.parametrize(
        "invalid", [{"value": "x"}, {}, {"value": 1, "tags": 5}, {"value": 1, "unit": None}, None, "text"]
    )
    def test_one_invalid_value_records_none(self, service: FlextMetricsService, invalid: Any) -> None:
        result = service.collect_metrics("orders", {"svc.good": 1, "svc.invalid": invalid})
        assert (result.code, str(result.error)[:14]) == ("invalid_metric", "Invalid metric")
        assert len(service._metrics_store) == 0

    def test_one_conflict_records_none(self, recorded: Recorded, service: FlextMetricsService) -> None:
        service.counter("svc.collect.conflict").add(1)
        result = service.collect_metrics("orders", {"svc.collect.good": 1, "svc.collect.conflict": 2})
        assert result.code == "instrument_conflict"
        assert len(service._metrics_store) == 0
        assert recorded.metric("svc.collect.good") is None


def test_totals_survive_eviction_from_the_store() -> None:
    service = FlextMetricsService(store_size=1)
    for _ in range(5):
        service.record_metric("svc.lasting", 1, metric_type="counter")
    assert service.export_prometheus_format().unwrap() == '# TYPE "svc.lasting" counter\n{"svc.lasting"} 5.0\n'


class TestHandles:
    def test_a_handle_with_a_conflicting_name_discards_and_counts(
        self, recorded: Recorded, service: FlextMetricsService, caplog: pytest.LogCaptureFixture
    ) -> None:
        service.counter("svc.used", "s").add(1)
        service.gauge("svc.used", "s").set(9)
        service.gauge("svc.used", "s").bind(a=1).set(9)
        (conflict,) = (each for each in service.conflicts().unwrap() if each.first.name == "svc.used")
        assert conflict.discarded == 2
        assert recorded.values("svc.used") == {(): 1}
        assert caplog.text.count("conflicts with") == 1
        assert "its measurements are dropped. " in caplog.text

    @pytest.mark.parametrize("name", [None, "", "1 bad", 5])
    def test_an_invalid_name_gives_a_handle_that_does_nothing(
        self, recorded: Recorded, service: FlextMetricsService, name: Any
    ) -> None:
        service.counter(name).add(1)
        service.histogram(name, None).record(1)  # type: ignore[arg-type]  # invalid on purpose

    @pytest.mark.parametrize("bounds", [5, ["x"], [None], [[1]]])
    def test_invalid_bounds_give_a_handle_that_does_nothing(
        self, recorded: Recorded, service: FlextMetricsService, bounds: Any
    ) -> None:
        service.histogram("svc.invalid.bounds", "s", bounds=bounds).record(1)
        assert recorded.metric("svc.invalid.bounds") is None

    def test_bounds_are_sorted_and_unique(self, recorded: Recorded, service: FlextMetricsService) -> None:
        service.histogram("svc.bounds", "s", bounds=(2, 1.0, 2.0)).record(1.5)
        (point,) = recorded.metric("svc.bounds").data.data_points
        assert point.explicit_bounds == (1.0, 2.0)

    @pytest.mark.parametrize(("unit", "bound"), [("seconds", 0.3), ("ms", 300)])
    def test_objective_becomes_a_bound(
        self, recorded: Recorded, service: FlextMetricsService, unit: str, bound: float
    ) -> None:
        service.histogram(f"svc.objective.{unit}", unit, objective_seconds=0.3).record(1)
        (point,) = recorded.metric(f"svc.objective.{unit}").data.data_points
        assert bound in point.explicit_bounds
        assert list(point.explicit_bounds) == sorted(set(point.explicit_bounds))

    @pytest.mark.parametrize("objective", [0, -1, "x", float("nan")])
    def test_an_invalid_objective_is_ignored(self, service: FlextMetricsService, objective: Any) -> None:
        service.histogram("svc.invalid.objective", "s", objective_seconds=objective).record(1)

    def test_an_objective_without_a_unit_of_time_is_ignored(self, service: FlextMetricsService) -> None:
        service.histogram("svc.sizes", "bytes", objective_seconds=1).record(1)


class TestGaugeModes:
    @pytest.mark.parametrize("mode", ["average", "", 5, object()])
    def test_an_invalid_mode_is_reported(
        self, service: FlextMetricsService, mode: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        service.gauge("svc.mode.invalid", mode=mode).set(1)
        assert "Setting the mode of gauge svc.mode.invalid failed: ValueError" in caplog.text
        assert instrument_table().gauge_mode("svc.mode.invalid") == ""

    def test_the_first_mode_is_used(self, service: FlextMetricsService, caplog: pytest.LogCaptureFixture) -> None:
        for _ in range(2):
            service.gauge("svc.mode", mode="sum")
            service.gauge("SVC.mode")
        assert caplog.messages == []
        service.gauge("svc.Mode", mode="max")
        assert instrument_table().gauge_mode("svc.mode") == "sum"
        assert "the gauge has the mode sum, which is used" in caplog.text

    def test_an_instrument_that_is_not_created_has_no_mode(self, service: FlextMetricsService) -> None:
        name: Any = None
        service.gauge(name, mode="sum").set(1)
        instrument_table().set_gauge_mode("svc.mode.unknown", "sum")
        assert instrument_table().gauge_mode("svc.mode.unknown") == ""


def test_the_status_names_both_definitions(recorded: Recorded, service: FlextMetricsService) -> None:
    service.counter("svc.status").add(1)
    service.gauge("svc.status").set(1)
    (message,) = (
        notice.message for notice in recorded.handle.status()["metrics"].notices if "svc.status" in notice.message
    )
    assert message.endswith(
        'gauge "svc.status" in no unit conflicts with counter "svc.status" in no unit (measurements dropped: 1)'
    )
