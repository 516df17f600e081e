"""structlog event dictionary → log record in the pipeline, for programs that configure structlog themselves."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from types import FrameType
from typing import Any

from flext_observability.instrumentation.logging import bridge
from flext_observability.instrumentation.logging.structured_record import LEVELS, from_event, set_extras
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.encoding import encode_tag
from flext_observability.values.foreign import is_a
from flext_observability.values.interrupts import reraise_interrupt


def emit_log_record(logger: object, method_name: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Send an event into the pipeline and return it unchanged. A structlog processor, to be placed before the renderer.

    Records have the current trace id, span id and correlation id. Their logger name is ``logger`` in the event
    (``structlog.stdlib.add_logger_name``), otherwise the calling module. With ``structlog.stdlib.LoggerFactory`` it
    does nothing: the records of ``logging`` are collected anyway. Before the start, and below ``log_level``, nothing is
    sent. Never raises.

    Args:
        logger: The logger that structlog wraps.
        method_name: Name of the level's method. An unknown one becomes ``info``.
        event_dict: Event and values.
    """
    if not is_a(logger, logging.Logger):
        try:
            bridge.emit(_record(method_name, event_dict))
        except BaseException as error:  # noqa: BLE001 - logging must not fail the program
            reraise_interrupt(error)
            report_once("Sending an event of structlog", error)
    return event_dict


def _record(method_name: str, event_dict: Mapping[str, object]) -> logging.LogRecord:
    level = LEVELS.get(method_name, logging.INFO)
    text, error = from_event(event_dict)
    frame = _caller(sys._getframe(2))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as collections does
    name = encode_tag(event_dict.get("logger") or frame.f_globals.get("__name__", "root"))
    code = frame.f_code
    record = logging.LogRecord(name, level, code.co_filename, frame.f_lineno, text, (), error, code.co_name)
    return set_extras(record, text)


def _caller(frame: FrameType) -> FrameType:
    while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] == "structlog":
        frame = frame.f_back
    return frame
