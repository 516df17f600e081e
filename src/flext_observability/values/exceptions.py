"""Exception → message, description, and attributes of the semantic conventions (never raises)."""

from __future__ import annotations

import traceback
from typing import Final

from flext_observability.values.encoding import AttributeValue, encode_tag
from flext_observability.values.foreign import qualified_type_name, type_name
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.masking import mask_secrets

MAX_STACK_BYTES: Final = 32_768
_MAX_FRAMES: Final = 50


def error_message(error: BaseException) -> str:
    """Return an exception's message, also when its ``__str__`` raises."""
    try:
        return encode_tag(str(error))
    except BaseException as failure:  # noqa: BLE001 - __str__ of an exception may raise anything
        reraise_interrupt(failure)
        return "<no readable message>"


def whole_message(error: BaseException) -> str:
    """Return an exception's message unchanged, as OpenTelemetry's SDK writes it; another text if ``__str__`` raises."""
    try:
        return str(error)
    except BaseException as failure:  # noqa: BLE001 - __str__ of an exception may raise anything
        reraise_interrupt(failure)
        return error_message(error)


def summarize_error(error: BaseException) -> str:
    """Return type and message of an exception unchanged, for the telemetry and results of the program."""
    return encode_tag(f"{type_name(error)}: {error_message(error)}")


def describe_error(error: BaseException) -> str:
    """Return type and message of an exception with secrets masked, for our messages: ``ValueError: not a number``."""
    return encode_tag(f"{type_name(error)}: {mask_secrets(error_message(error))}")


def exception_attributes(error: BaseException) -> dict[str, AttributeValue]:
    """Return ``exception.type``, ``.message`` and ``.stacktrace`` (the innermost 50 frames, at most 32 768 bytes).

    Source: https://opentelemetry.io/docs/specs/semconv/registry/attributes/exception/
    """
    return {
        "exception.type": qualified_type_name(error).removeprefix("builtins."),
        "exception.message": error_message(error),
        "exception.stacktrace": encode_tag(_stack(error), max_bytes=MAX_STACK_BYTES),
    }


def _stack(error: BaseException) -> str:
    try:
        # A limit on frames, because the limit in bytes alone would cut off the frame that raised.
        return "".join(traceback.format_exception(error, limit=-_MAX_FRAMES))
    except BaseException as failure:  # noqa: BLE001 - the name, the notes or the cause of an exception may raise
        reraise_interrupt(failure)
        return describe_error(error)
