"""Exception → its message, its description, and its attributes by the semantic conventions (never raises)."""

from __future__ import annotations

import traceback
from typing import Final

from flext_observability.values.encoding import AttributeValue, encode_tag

MAX_STACK_BYTES: Final = 32_768
_MAX_FRAMES: Final = 50


def error_message(error: BaseException) -> str:
    """Return an error's message, whatever its own code does."""
    try:
        return encode_tag(str(error))
    except Exception:  # noqa: BLE001 - any exception class may have any __str__
        return "<no readable message>"


def describe_error(error: BaseException) -> str:
    """Return type and message of an error, as status descriptions have it."""
    return encode_tag(f"{type(error).__name__}: {error_message(error)}")


def exception_attributes(error: BaseException) -> dict[str, AttributeValue]:
    """Return ``exception.type``, ``.message`` and ``.stacktrace``: the innermost 50 frames, 32 768 bytes at most.

    Source: https://opentelemetry.io/docs/specs/semconv/registry/attributes/exception/
    """
    kind = type(error)
    # Not all of a deep recursion: cut by bytes alone, the frame that raised would be missing.
    stack = "".join(traceback.format_exception(error, limit=-_MAX_FRAMES))
    return {
        "exception.type": kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}",
        "exception.message": error_message(error),
        "exception.stacktrace": encode_tag(stack, max_bytes=MAX_STACK_BYTES),
    }
