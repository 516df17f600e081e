"""Processor that the program adds to a provider → one whose exceptions cost no span or record of other processors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, final

from flext_observability.engine.added_parts import added_parts
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal


@final
class ContainedProcessor:
    """Calls the methods of a span or log record processor. What they raise is logged once, and the result is None."""

    def __init__(self, processor: object) -> None:
        self._processor = processor

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method of the processor, which is kept for the next call."""
        if name.startswith("__"):
            raise AttributeError(name)
        if name.startswith("_") and not hasattr(type(self._processor), name):
            return _do_nothing  # such as `_on_ending`, which processors of old SDKs do not have
        action = f"{name} of the processor {type(self._processor).__name__}"
        method: Callable[..., Any] | None = _contained(action, getattr, self._processor, name)
        found = _do_nothing if method is None else partial(_contained, action, method)
        setattr(self, name, found)
        return found


def contain_added(add: Callable[..., Any], signal: Signal) -> Callable[[object], Any]:
    """Return a provider's method that adds a processor, for processors that are contained, and kept for later ones."""

    def add_contained(processor: object) -> None:
        contained: Any = ContainedProcessor(processor)
        add(contained)
        added_parts().add(signal, contained)

    return add_contained


def _contained(action: str, function: Callable[..., Any], *arguments: object, **options: object) -> Any:  # noqa: ANN401
    try:
        return function(*arguments, **options)
    except BaseException as error:  # noqa: BLE001 - code of the program
        reraise_interrupt(error)
        report_once(action, error)
        return None


def _do_nothing(*_: object, **__: object) -> None:
    """Replace a method that the processor does not have."""
