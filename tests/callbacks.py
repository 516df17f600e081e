"""Callbacks of observable instruments for tests."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.metrics import CallbackOptions, Observation


def observing(
    action: Callable[[], object] | None = None, value: float = 1
) -> Callable[[CallbackOptions], list[Observation]]:
    """Return a callback that calls `action` and then observes the value."""

    def observe(_: CallbackOptions) -> list[Observation]:
        if action is not None:
            action()
        return [Observation(value)]

    return observe
