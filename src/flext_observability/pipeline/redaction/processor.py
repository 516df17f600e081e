"""Processor that the program adds → the same processor, which gets ended spans and log records without secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final


@final
class RedactingProcessor:
    """Span or log record processor that receives items without secrets. It runs in the threads of the program.

    Args:
        processor: The processor.
        redact: Returns a span without secrets; or removes those of a log record, and returns it.
    """

    def __init__(self, processor: Any, redact: Callable[[Any], Any]) -> None:  # noqa: ANN401 - of one of two kinds
        self._processor = processor
        self._redact = redact

    def on_end(self, span: Any) -> None:  # noqa: ANN401 - of the SDK's or our own class
        """Pass an ended span on."""
        self._processor.on_end(self._redact(span))

    def on_emit(self, log_record: Any) -> None:  # noqa: ANN401 - of the SDK's class
        """Pass a log record on."""
        self._processor.on_emit(self._redact(log_record))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method
        """Return a method of the processor."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._processor, name)
