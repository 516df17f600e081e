"""Log record → line of text with the trace id, span id and correlation id of the moment, absent where there are none (API only)."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from opentelemetry.trace import get_current_span

from flext_observability.adapters.correlation import current_correlation_id

CONTEXT_FIELD: Final = "flext_trace_context"
"""Attribute of a log record: the ids that were current when it was written."""

_FORMATS: Final = {
    "%": "%(asctime)s %(levelname)s %(name)s: %(message)s",
    "{": "{asctime} {levelname} {name}: {message}",
    "$": "${asctime} ${levelname} ${name}: ${message}",
}


class Ids(NamedTuple):
    """What a record was written under.

    Attributes:
        trace_id: 0 outside of a span.
        span_id: 0 outside of a span.
        sampled: Whether the span is recorded.
        correlation_id: None when there is none.
    """

    trace_id: int
    span_id: int
    sampled: bool
    correlation_id: str | None


class _Use:
    """Whether any formatter of this process wants the ids."""

    wanted = False


def stamp(record: logging.LogRecord) -> None:
    """Write the ids of this moment on the record, once, if a ``TraceContextFormatter`` may ask for them later in another thread."""
    if _Use.wanted and CONTEXT_FIELD not in record.__dict__:
        record.__dict__[CONTEXT_FIELD] = tuple(_now())  # another process may lack our classes


def _now() -> Ids:
    context = get_current_span().get_span_context()
    correlation_id = current_correlation_id()
    if not context.is_valid:
        return Ids(0, 0, sampled=False, correlation_id=correlation_id)
    return Ids(context.trace_id, context.span_id, context.trace_flags.sampled, correlation_id)


class TraceContextFormatter(logging.Formatter):
    """Formatter of ``logging`` that shows the ids of the current span, and the correlation id.

    Without a format: ``2026-11-21 10:00:00,123 INFO shop.pay: paid amount=3 trace_id=… span_id=… correlation_id=…``; an id that does
    not exist is left out. A format of one's own may name ``trace_id`` (32 hex digits), ``span_id`` (16 hex digits), ``trace_sampled``
    (``true``, ``false``) and ``correlation_id``: empty text where there is none. A field that the record has itself, from ``extra`` or a
    filter, stays as it is.

    Records that are formatted later in another thread (``QueueListener``, ``MemoryHandler``) show the ids under which they were written
    while telemetry runs; without it, those of the moment of formatting.

    In ``dictConfig``: ``{"()": "flext_observability.TraceContextFormatter"}``.
    """

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        validate: bool = True,  # noqa: FBT001, FBT002 - the signature of logging.Formatter
        *,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        """Make a formatter; see ``logging.Formatter``, which this one stands in for.

        Args:
            fmt: Format; the one of the class by default.
            datefmt: Format of the time, for ``time.strftime``.
            style: ``%``, ``{`` or ``$``.
            validate: Whether a format that does not fit its style is a ``ValueError``.
            defaults: Fields that a record need not have.
        """
        super().__init__(fmt or _FORMATS.get(style), datefmt, style, validate, defaults=defaults)
        self._shows_ids = fmt is None
        _Use.wanted = True

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging.Formatter's name
        """Return the line, before exception and stack are added."""
        fields = _fields(record)
        dressed = copy.copy(record)
        dressed.__dict__.update(fields | record.__dict__)
        line = super().formatMessage(dressed)
        if not self._shows_ids:
            return line
        return " ".join(
            (line, *(f"{name}={fields[name]}" for name in ("trace_id", "span_id", "correlation_id") if fields[name]))
        )


def _fields(record: logging.LogRecord) -> dict[str, str]:
    ids = Ids(*record.__dict__[CONTEXT_FIELD]) if CONTEXT_FIELD in record.__dict__ else _now()
    return {
        "trace_id": f"{ids.trace_id:032x}" if ids.trace_id else "",
        "span_id": f"{ids.span_id:016x}" if ids.span_id else "",
        "trace_sampled": ("true" if ids.sampled else "false") if ids.trace_id else "",
        "correlation_id": ids.correlation_id or "",
    }
