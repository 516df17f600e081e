"""structlog's event dictionary → log record in the pipeline, for programs that configure structlog themselves."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from types import FrameType
from typing import Any

from flext_observability.instrumentation.logging import bridge as logging_bridge
from flext_observability.instrumentation.logging.structured_record import LEVELS, dress, from_event
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.encoding import encode_tag


def emit_log_record(logger: object, method_name: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Send an event into the pipeline and pass it on unchanged: a structlog processor, to stand right before the renderer.

    Records carry the trace id, span id and correlation id of the moment; they are named by ``logger`` in the event
    (``structlog.stdlib.add_logger_name``), else by the calling module. Over ``structlog.stdlib.LoggerFactory`` it does nothing: what goes
    to ``logging`` arrives anyway. Before the start, and below ``log_level``, nothing is sent. Never raises.

    Args:
        logger: What structlog wraps.
        method_name: Name of the level's method; an unknown one counts as ``info``.
        event_dict: Event and values.
    """
    if not isinstance(logger, logging.Logger):
        try:
            logging_bridge.take(_record(method_name, event_dict))
        except Exception as error:  # noqa: BLE001 - the host only wanted to log
            report_once("Sending an event of structlog", error)
    return event_dict


def _record(method_name: str, event_dict: Mapping[str, object]) -> logging.LogRecord:
    level = LEVELS.get(method_name, logging.INFO)
    text, error = from_event(event_dict)
    frame = _caller(sys._getframe(2))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as collections does
    name = encode_tag(event_dict.get("logger") or frame.f_globals.get("__name__", "root"))
    code = frame.f_code
    record = logging.LogRecord(name, level, code.co_filename, frame.f_lineno, text, (), error, code.co_name)
    return dress(record, text)


def _caller(frame: FrameType) -> FrameType:
    while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] == "structlog":
        frame = frame.f_back
    return frame
