"""Exceptions of a span or log record → one line each: type, message, place (pure)."""

from __future__ import annotations

import re

from flext_observability.views.model import Attributes, LogView, SpanView
from flext_observability.views.text import first_line, format_value, sanitize

_FRAME = re.compile(r'File "([^"\n]{1,500})", line (\d{1,9})')
_MAX_LINES = 3


def exception_line(attributes: Attributes) -> str:
    """Return the ``exception.*`` attributes as ``DeclinedError: declined (payments.py:88)``; empty without them."""
    kind = _text(attributes, "exception.type").rpartition(".")[2]
    message = _text(attributes, "exception.message")
    frames = _FRAME.findall(_text(attributes, "exception.stacktrace")[-20_000:])
    summary = first_line(": ".join(part for part in (kind, message) if part))
    return f"{summary} ({_file_name(frames[-1][0])}:{frames[-1][1]})" if frames and summary else summary


def _file_name(path: str) -> str:
    return sanitize(path.replace("\\", "/").rpartition("/")[2], 60)


def _text(attributes: Attributes, key: str) -> str:
    value = attributes.get(key, "")
    return value if isinstance(value, str) else format_value(value)


def span_failures(span: SpanView) -> list[str]:
    """Return the exceptions of a span and, if it differs, its status message: at most three lines."""
    lines = [line for event in span.events if event.name == "exception" and (line := exception_line(event.attributes))]
    status = first_line(span.status_message) if span.status_message else ""
    if status and not any(_repeats(status, line) for line in lines):
        lines.append(status)
    return list(dict.fromkeys(lines))[-_MAX_LINES:]


def _repeats(status: str, line: str) -> bool:
    """Return whether a status message repeats an exception, with or without its type."""
    message = line.partition(": ")[2]
    return line.startswith(status) or (message != "" and message.startswith(status.rpartition(": ")[2]))


def log_failures(log: LogView) -> list[str]:
    """Return the exception of a log record: one line or none."""
    line = exception_line(log.attributes)
    return [line] if line else []
