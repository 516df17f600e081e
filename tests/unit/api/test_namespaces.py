from __future__ import annotations

import time
from typing import Any, get_args

import pytest

import flext_observability
from flext_observability import (
    FlextAlert,
    FlextContainer,
    FlextHealthCheck,
    FlextLogEntry,
    FlextObservabilityConstants,
    FlextObservabilityProtocols,
    FlextObservabilityServices,
    FlextObservabilityTypes,
    flext_create_alert,
    flext_create_health_check,
    flext_create_log_entry,
    flext_create_metric,
    flext_monitor_function,
    flext_set_correlation_id,
    init_observability,
)
from flext_observability.settings.config import FIELDS
from tests.fakes import OneExporterFactory
from tests.recorded import Recorded

NAMES = FlextObservabilityConstants


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_has_its_default(name: str) -> None:
    assert getattr(NAMES.DEFAULTS, name) == FIELDS[name].default


def test_the_defaults_are_those_of_a_start_without_arguments() -> None:
    with init_observability(exporters="none").unwrap() as active:
        assert active.config.shutdown_timeout_seconds == NAMES.DEFAULTS.shutdown_timeout_seconds


@pytest.mark.parametrize("severity", NAMES.ALERT_SEVERITIES)
@pytest.mark.parametrize("status", NAMES.ALERT_STATUSES)
def test_words_of_alerts_are_accepted(severity: str, status: str) -> None:
    assert FlextAlert(name="a", severity=severity, message="m", status=status).validate_business_rules().success
    assert flext_create_alert("a", severity, "m").success


@pytest.mark.parametrize("status", NAMES.HEALTH_STATUSES)
def test_words_of_health_are_accepted(status: str) -> None:
    assert FlextHealthCheck(name="a", status=status).validate_business_rules().success
    assert flext_create_health_check("a", status).success


@pytest.mark.parametrize("level", NAMES.LOG_LEVELS)
def test_levels_are_accepted(level: str) -> None:
    assert FlextLogEntry(level=level, message="m").validate_business_rules().success
    assert flext_create_log_entry(level.upper(), "m").success


@pytest.mark.parametrize("kind", NAMES.METRIC_TYPES)
def test_metric_types_are_accepted(kind: str) -> None:
    assert flext_create_metric(f"catalogue.{kind}", 1, metric_type=kind).success


def test_names_of_what_is_emitted(recorded: Recorded) -> None:
    @flext_monitor_function("catalogue.work")
    def work() -> None:
        flext_create_alert("a", "info", "m").unwrap()
        flext_create_health_check("catalogue check").unwrap()

    flext_set_correlation_id("c-1")
    work()
    outcome = {NAMES.OPERATION_ATTRIBUTE: "catalogue.work", NAMES.OUTCOME_ATTRIBUTE: NAMES.OUTCOMES[0]}
    assert recorded.values(NAMES.FUNCTION_CALLS_NAME) == {tuple(sorted(outcome.items())): 1}
    assert recorded.metric(NAMES.FUNCTION_DURATION_NAME).unit == "s"
    assert recorded.values(NAMES.HEALTH_GAUGE_NAME) == {((NAMES.HEALTH_CHECK_ATTRIBUTE, "catalogue check"),): 1.0}
    assert len(recorded.values(NAMES.ALERT_COUNTER_NAME)) == 1
    for event in (NAMES.ALERT_EVENT_NAME, NAMES.HEALTH_EVENT_NAME):
        (record,) = recorded.logs(event)
        assert record.attributes[NAMES.CORRELATION_ATTRIBUTE] == "c-1"


@pytest.mark.parametrize(("length", "fits"), [(NAMES.MAX_CORRELATION_ID_LENGTH, True), (129, False)])
def test_a_correlation_id_is_accepted_up_to_its_maximum_length(length: int, fits: bool) -> None:
    assert flext_set_correlation_id("x" * length).success is fits


@pytest.mark.parametrize(("length", "fits"), [(NAMES.MAX_UNIT_LENGTH, True), (NAMES.MAX_UNIT_LENGTH + 1, False)])
def test_a_unit_is_accepted_up_to_its_maximum_length(length: int, fits: bool) -> None:
    assert flext_create_metric(f"catalogue.unit{length}", 1, "x" * length).success is fits


def test_aliases_are_those_of_the_signatures() -> None:
    aliases: Any = FlextObservabilityTypes
    assert get_args(aliases.Signal) == NAMES.SIGNALS
    assert get_args(aliases.InstrumentKind) == ("counter", "up_down_counter", "gauge", "histogram")
    assert get_args(aliases.Hook) == NAMES.PLUGIN_HOOKS
    assert get_args(aliases.Measure) == NAMES.ALERT_MEASURES
    assert {each.kind for each in aliases.Entity.__subclasses__()} == set(NAMES.ENTITY_KINDS)


def test_ports_may_be_derived_from() -> None:
    class Clock(FlextObservabilityProtocols.Clock):
        def time_ns(self) -> int:
            return 1

        def monotonic(self) -> float:
            return 2.0

    clocks: list[FlextObservabilityProtocols.Clock] = [Clock(), time]
    none: Any = None
    factory: FlextObservabilityProtocols.ExporterFactory = OneExporterFactory(lambda _: none)
    assert clocks[0].time_ns() < clocks[1].time_ns()
    assert set(factory.signals()) == set(NAMES.SIGNALS)


@pytest.mark.parametrize("name", ["Metrics", "Tracing", "Alert", "Health", "Logging"])
def test_each_service_has_a_short_name_and_is_made_with_and_without_a_container(name: str) -> None:
    service: Any = getattr(FlextObservabilityServices, f"{name}Service")
    assert service is getattr(flext_observability, f"Flext{name}Service")
    assert isinstance(service(), service)
    assert isinstance(service(FlextContainer()), service)
