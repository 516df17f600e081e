"""Log record → line of text with the current trace id, span id and correlation id (API only)."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from opentelemetry.trace import get_current_span

from flext_observability.adapters.correlation import current_correlation_id

CONTEXT_FIELD: Final = "flext_trace_context"
"""Attribute of a log record: the ids that were current when it was created."""

_FORMATS: Final = {
    "%": "%(asctime)s %(levelname)s %(name)s: %(message)s",
    "{": "{asctime} {levelname} {name}: {message}",
    "$": "${asctime} ${levelname} ${name}: ${message}",
}


class FormatterUse:
    """Whether this process has a formatter that needs the ids."""

    active = False


def attach_context(record: logging.LogRecord) -> None:
    """Set the current ids on the record once: a ``TraceContextFormatter`` may need them later in another thread."""
    if FormatterUse.active and CONTEXT_FIELD not in record.__dict__:
        record.__dict__[CONTEXT_FIELD] = _current_ids()


def _current_ids() -> dict[str, str]:
    """Return the fields of a format. A plain dictionary: other processes unpickle it without our classes."""
    context = get_current_span().get_span_context()
    return {
        "trace_id": f"{context.trace_id:032x}" if context.is_valid else "",
        "span_id": f"{context.span_id:016x}" if context.is_valid else "",
        "trace_sampled": str(context.trace_flags.sampled).lower() if context.is_valid else "",
        "correlation_id": current_correlation_id() or "",
    }


class TraceContextFormatter(logging.Formatter):
    """Formatter of ``logging`` with the ids of the current span and the correlation id.

    Default line: ``2026-11-21 10:00:00,123 INFO shop.pay: paid amount=3 trace_id=… span_id=… correlation_id=…``.
    Missing ids are left out. Custom formats can use ``trace_id`` (32 hex digits), ``span_id`` (16 hex digits),
    ``trace_sampled`` (``true``, ``false``) and ``correlation_id``, which are empty if missing. Fields of the record
    itself, from ``extra`` or a filter, have precedence.

    For records that are formatted later in another thread (``QueueListener``, ``MemoryHandler``), the formatter uses
    the ids of their creation while telemetry runs, otherwise the ids at formatting.

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
        """Create a formatter with the parameters of ``logging.Formatter``.

        Args:
            fmt: Format. Default: the one of the class.
            datefmt: Format of the time for ``time.strftime``.
            style: ``%``, ``{`` or ``$``.
            validate: Whether a format that does not match its style raises ``ValueError``.
            defaults: Values of missing fields.
        """
        super().__init__(fmt or _FORMATS.get(style), datefmt, style, validate, defaults=defaults)
        self._appends_ids = fmt is None
        FormatterUse.active = True

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging.Formatter's name
        """Return the line without exception and stack."""
        fields = cast("dict[str, str]", record.__dict__.get(CONTEXT_FIELD) or _current_ids())
        extended = copy.copy(record)
        extended.__dict__.update(fields | record.__dict__)
        line = super().formatMessage(extended)
        if not self._appends_ids:
            return line
        names = ("trace_id", "span_id", "correlation_id")
        return " ".join((line, *(f"{name}={fields[name]}" for name in names if fields[name])))
