"""Mistakes that a type checker must find: exactly the lines that end in `# rejected`. Never run."""

from __future__ import annotations

from flext_observability import (
    FlextResult,
    flext_create_metric,
    flext_monitor_function,
    init_observability,
    shutdown_observability,
    traced,
)
from flext_observability import no_such_name  # noqa: F401  # rejected


@traced
def plain(size: int) -> float:
    return float(size)


@flext_monitor_function("load")
async def load(key: str) -> bytes:
    return key.encode()


def mistakes(result: FlextResult[int]) -> None:
    _ = shutdown_observability(1.0, True)  # rejected
    _ = init_observability(service_name=3)  # rejected
    _ = init_observability(servise_name="shop")  # rejected
    _ = init_observability("shop")  # rejected
    _ = flext_create_metric("jobs", "many")  # rejected
    text: str = result.unwrap()  # rejected
    number: int = result.data  # rejected
    _ = plain("x")  # rejected
    _ = plain(size=1, more=2)  # rejected
    answer: bytes = load("a")  # rejected
    _ = (text, number, answer)
