from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from flext_observability.domain.container import FlextContainer, lookup
from flext_observability.domain.result import FlextResult
from tests.hostile import Hostile


def test_registered_instance_is_found() -> None:
    container = FlextContainer()
    clock = object()

    assert container.register("clock", clock).success
    assert container.get("clock").data is clock


def test_none_can_be_registered() -> None:
    container = FlextContainer()
    container.register("nothing", None)

    assert container.get("nothing") == FlextResult.ok(None)


def test_factory_runs_once_even_from_many_threads() -> None:
    container = FlextContainer()
    created: list[object] = []

    def make() -> object:
        created.append(object())
        return created[-1]

    container.register_factory("repository", make)
    with ThreadPoolExecutor(8) as pool:
        found = {id(pool.submit(container.get, "repository").result().data) for _ in range(50)}

    assert len(created) == len(found) == 1


def test_factory_may_use_the_container() -> None:
    container = FlextContainer()
    container.register("clock", 1)
    container.register_factory("repository", lambda: [container.get("clock").data])

    assert container.get("repository").data == [1]


def test_factory_that_raises_is_a_failure_and_runs_again() -> None:
    container = FlextContainer()
    answers: list[Any] = [ValueError("not yet"), 1]

    def make() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    container.register_factory("late", make)

    first = container.get("late")
    assert first.code == "factory_failed"
    assert "not yet" in str(first.error)
    assert container.get("late").data == 1


def test_unknown_name_is_a_failure_that_lists_the_names() -> None:
    container = FlextContainer()
    assert "nothing" in str(container.get("clock").error)

    container.register("notifiers", [])
    missing = container.get("clock")

    assert missing.code == "not_found"
    assert "notifiers" in str(missing.error)


def test_name_is_registered_once() -> None:
    container = FlextContainer()
    container.register("clock", 1)

    assert container.register("clock", 2).code == "already_registered"
    assert container.register_factory("clock", object).code == "already_registered"
    assert container.get("clock").data == 1


@pytest.mark.parametrize("name", ["", None, 3, []])
def test_name_that_is_not_text_is_invalid(name: Any) -> None:
    container = FlextContainer()

    assert container.register(name, 1).code == "invalid_argument"
    assert container.register_factory(name, object).code == "invalid_argument"
    assert container.get(name).code == "not_found"


def test_factory_that_is_not_callable_is_invalid() -> None:
    container = FlextContainer()
    wrong: Any = 3

    assert container.register_factory("clock", wrong).code == "invalid_argument"
    assert container.get("clock").code == "not_found"


def test_hostile_and_long_names_do_not_raise_and_messages_stay_short() -> None:
    container = FlextContainer()
    names: list[Any] = [Hostile(), "x" * 1_000_000]
    for name in names:
        results = [container.get(name), container.register(name, 1), container.register(name, 2)]
        assert [len(str(result.error)) < 200 for result in results] == [True] * 3
    missing = container.get("clock")
    assert (missing.code, len(str(missing.error)) < 700) == ("not_found", True)


class PlainContainer:
    """A foreign container: it returns bare values and raises for unknown names."""

    def __init__(self, **values: object) -> None:
        self._values = values

    def get(self, name: str) -> Any:
        return self._values[name]

    def register(self, name: str, instance: object) -> Any:
        self._values[name] = instance


@pytest.mark.parametrize("container", [FlextContainer(), PlainContainer()])
def test_lookup_finds_registered_objects_in_any_container(container: FlextContainer | PlainContainer) -> None:
    assert lookup(container, "clock") is None
    container.register("clock", 7)
    assert lookup(container, "clock") == 7


def test_lookup_without_a_container_is_none() -> None:
    assert lookup(None, "clock") is None
