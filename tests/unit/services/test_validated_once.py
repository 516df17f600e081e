"""The rules of an entity are checked once, by the first public function or service that receives it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

import flext_observability as root
from flext_observability import FlextObservabilityPlatformV2 as Platform
from flext_observability.domain.entity import Entity

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "metric": ("once.metric", 1),
    "trace": ("charge", "payments"),
    "alert": ("disk", "error", "full"),
    "health_check": ("database",),
    "log_entry": ("info", "hello"),
}
SERVICES = {"metric": "metrics", "trace": "tracing", "alert": "alerts", "health_check": "health", "log_entry": "logs"}
RECORD = {
    "metric": "record_metric",
    "trace": "start_trace",
    "alert": "process_alert",
    "health_check": "execute_health_check",
    "log_entry": "log",
}


@contextmanager
def counted_rules() -> Iterator[list[Entity]]:
    """Yield a list to which each check of rules in this thread adds the entity."""
    checked: list[Entity] = []
    code = Entity.validate_business_rules.__code__

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is code:
            checked.append(frame.f_locals["self"])

    sys.setprofile(profile)
    try:
        yield checked
    finally:
        sys.setprofile(None)


@pytest.fixture(params=ARGUMENTS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def assert_checked_once(create: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    with counted_rules() as checked:
        entity = create(*arguments).unwrap()
    assert [each.id for each in checked] == [entity.id]


def create_function(kind: str) -> Callable[..., Any]:
    create: Callable[..., Any] = getattr(root, f"flext_create_{kind}")
    return create


def test_a_function_before_the_start_checks_once(kind: str) -> None:
    assert_checked_once(create_function(kind), ARGUMENTS[kind])


@pytest.mark.usefixtures("recorded")
def test_a_function_after_the_start_checks_once(kind: str) -> None:
    assert_checked_once(create_function(kind), ARGUMENTS[kind])


def test_a_service_that_creates_checks_once(kind: str) -> None:
    service = getattr(Platform(), SERVICES[kind])
    assert_checked_once(service.create, ARGUMENTS[kind])


def test_a_platform_that_creates_and_stores_checks_once(kind: str) -> None:
    platform = Platform()
    assert_checked_once(getattr(platform, f"create_{kind}"), ARGUMENTS[kind])
    assert platform.repository.count().data == 1


def test_a_service_that_records_and_stores_an_entity_checks_once(kind: str) -> None:
    platform = Platform()
    entity = getattr(platform.factory, f"create_{kind}")(*ARGUMENTS[kind]).unwrap()
    assert_checked_once(getattr(getattr(platform, SERVICES[kind]), RECORD[kind]), (entity,))
    assert platform.repository.count().data == 1


def test_a_repository_that_stores_an_entity_checks_once(kind: str) -> None:
    platform = Platform()
    entity = getattr(platform.factory, f"create_{kind}")(*ARGUMENTS[kind]).unwrap()
    assert_checked_once(getattr(platform.repository, f"store_{kind}"), (entity,))


def test_several_metrics_are_checked_once_each() -> None:
    with counted_rules() as checked:
        metrics = Platform().metrics.collect_metrics("shop", {"once.a": 1, "once.b": 2}).unwrap()
    assert [each.id for each in checked] == [metric.id for metric in metrics]
