from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from flext_observability import FlextAlert, FlextResult
from flext_observability.domain.pending_result import PendingResult
from flext_observability.services.alerts.receivers.callable import CallableNotifier

ALERT = FlextAlert(name="disk", severity="error", message="full")


async def failing(alert: FlextAlert) -> FlextResult[int]:
    await asyncio.sleep(0)
    return FlextResult[int].fail(alert.name, code="unreachable")


async def quiet(_: FlextAlert) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda _: None, None),
        (lambda _: False, None),
        (lambda _: FlextResult.ok(5), None),
        (lambda _: FlextResult[None].fail("no", code="timeout"), "timeout"),
        (quiet, None),
        (failing, "unreachable"),
        (lambda alert: PendingResult(lambda: failing(alert)), "unreachable"),
    ],
)
def test_a_result_counts_and_nothing_else(call: Callable[[FlextAlert], object], code: str | None) -> None:
    result = CallableNotifier(call).notify(ALERT, 5)
    assert (result.code, result.data) == (code, None)


def test_a_coroutine_is_given_so_much_time() -> None:
    async def slow(_: FlextAlert) -> Any:
        await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        CallableNotifier(slow).notify(ALERT, 0.01)


def test_what_it_raises_is_raised() -> None:
    def fail(_: FlextAlert) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        CallableNotifier(fail).notify(ALERT, 5)
