from __future__ import annotations

import pytest

from flext_observability import FlextResult
from flext_observability.domain.guard import contained, never_raises, nothing


class Service:
    @never_raises
    def _fail(self, value: int) -> FlextResult[int]:
        raise ValueError(f"broken {value}")

    @never_raises
    def work(self, value: int) -> FlextResult[int]:
        return FlextResult[int].ok(value)

    @contained(list)
    def read(self, value: int) -> list[float]:
        return [1 / value]

    @contained(nothing)
    def write(self, value: int) -> None:
        raise SystemExit(value)


def test_an_exception_becomes_a_failure_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    results = [Service()._fail(1), Service()._fail(1)]
    assert [result.code for result in results] == ["internal", "internal"]
    assert str(results[0].error).startswith("fail failed: ValueError")
    assert len(caplog.records) == 1


def test_a_result_passes_through() -> None:
    assert Service().work(1).data == 1


def test_an_operation_without_a_result_returns_its_default(caplog: pytest.LogCaptureFixture) -> None:
    service = Service()
    assert (service.read(0), service.read(0), service.read(2)) == ([], [], [0.5])
    service.write(1)
    assert [record.message.partition(":")[0] for record in caplog.records] == ["read failed", "write failed"]


def test_an_interrupt_propagates() -> None:
    @never_raises
    def interrupted() -> FlextResult[None]:
        raise KeyboardInterrupt

    @contained(bool)
    def interrupted_too() -> bool:
        raise KeyboardInterrupt

    for operation in (interrupted, interrupted_too):
        with pytest.raises(KeyboardInterrupt):
            operation()
