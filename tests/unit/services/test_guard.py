from __future__ import annotations

import pytest

from flext_observability import FlextResult
from flext_observability.services.guard import never_raises


class Service:
    @never_raises
    def _fail(self, value: int) -> FlextResult[int]:
        raise ValueError(f"broken {value}")

    @never_raises
    def work(self, value: int) -> FlextResult[int]:
        return FlextResult[int].ok(value)


def test_exception_becomes_a_failure_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    results = [Service()._fail(1), Service()._fail(1)]
    assert [result.code for result in results] == ["internal", "internal"]
    assert str(results[0].error).startswith("fail failed: ValueError")
    assert len(caplog.records) == 1


def test_result_passes_through() -> None:
    assert Service().work(1).data == 1
