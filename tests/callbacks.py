"""Callbacks of observable instruments for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from opentelemetry.metrics import CallbackOptions, Meter, Observation, get_meter, get_meter_provider

SCOPE = "test.callbacks"


def observing(
    action: Callable[[], object] | None = None, value: float = 1
) -> Callable[[CallbackOptions], list[Observation]]:
    """Return a callback that calls `action` and then observes the value."""

    def observe(_: CallbackOptions) -> list[Observation]:
        if action is not None:
            action()
        return [Observation(value)]

    return observe


def meter() -> Meter:
    """Return a meter whose instruments ``drop_instruments`` drops: OpenTelemetry's global keeps all others."""
    return get_meter(SCOPE)


def drop_instruments() -> None:
    """Drop the instruments of ``meter``, so that later tests in this process do not observe them."""
    meters: object = vars(get_meter_provider()).get("_meters")
    if not isinstance(meters, dict):  # OpenTelemetry's proxies, before the first start
        return
    known = cast("dict[str, object]", meters)
    for key in [key for key in known if SCOPE in key]:
        del known[key]
