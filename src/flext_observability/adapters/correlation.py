"""Correlation id ↔ the current context; carriers ↔ trace context, baggage and correlation id (OTel API only).

An id set by the program lives in a context variable; an id that arrived from outside lives in the OTel context, where the
propagator put it. The newer one wins: an own id counts only while the arrived id is still the one it was set under, so
that an id made at start-up never hides the id of a request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar, Token
from typing import NamedTuple
from uuid import uuid4

from opentelemetry.context import Context, create_key, get_current, get_value

from flext_observability.domain.result import FlextResult
from flext_observability.runtime.internal_log import report_once
from flext_observability.runtime.otel_import import import_without_otel_env
from flext_observability.values.names import CORRELATION_ATTRIBUTE

REMOTE_ID_KEY = create_key(CORRELATION_ATTRIBUTE)
MAX_ID_CHARACTERS = 128
_VALID_ID = re.compile(rf"[\x21-\x7e]{{1,{MAX_ID_CHARACTERS}}}")


class _LocalId(NamedTuple):
    """An id set here, and the arrived id that it was set under."""

    value: str
    remote: str | None


_local_id: ContextVar[_LocalId | None] = ContextVar("flext_correlation_id", default=None)


def valid_correlation_id(value: object) -> str | None:
    """Return the value when it may be used as an id (1–128 visible ASCII characters), else None."""
    return value if isinstance(value, str) and _VALID_ID.fullmatch(value) else None


def current_correlation_id(context: Context | None = None) -> str | None:
    """Return the id in force, or None; never makes one.

    Args:
        context: The OTel context to look in for an arrived id; the current one by default.
    """
    remote = get_value(REMOTE_ID_KEY, context)
    local = _local_id.get()
    if local is not None and local.remote == remote:
        return local.value
    return remote if isinstance(remote, str) else None


def flext_get_correlation_id() -> str:
    """Return the correlation id in force; make one (32 hex digits) and keep it in this context if there is none.

    Returns:
        1–128 visible ASCII characters.
    """
    current = current_correlation_id()
    if current is None:
        current = uuid4().hex
        _set(current)
    return current


def flext_set_correlation_id(correlation_id: str) -> FlextResult[str]:
    """Set the correlation id of this thread or task, and of what it starts from now on.

    Args:
        correlation_id: 1–128 visible ASCII characters.

    Returns:
        The id; or a failure with code ``invalid_correlation_id``, and the id in force stays as it was.
    """
    valid = valid_correlation_id(correlation_id)
    if valid is None:
        return FlextResult[str].fail(
            f"Invalid correlation id: use 1 to {MAX_ID_CHARACTERS} visible ASCII characters without spaces",
            code="invalid_correlation_id",
        )
    _set(valid)
    return FlextResult[str].ok(valid)


@contextmanager
def correlation_scope(correlation_id: str | None = None) -> Iterator[str]:
    """Run the body under a correlation id, then restore the one before.

    Args:
        correlation_id: The id; an invalid one, or None, is replaced by a new one (32 hex digits).

    Yields:
        The id in force in the body.
    """
    value = valid_correlation_id(correlation_id) or uuid4().hex
    token = _set(value)
    try:
        yield value
    finally:
        with suppress(ValueError):  # an async generator may be closed from another context: nothing to restore there
            _local_id.reset(token)


def inject_context(carrier: MutableMapping[str, str]) -> MutableMapping[str, str]:
    """Write trace context, baggage and correlation id of the current context into a carrier.

    Args:
        carrier: Anything with item assignment, such as request headers.

    Returns:
        The same carrier, so that ``headers=inject_context({})`` works; one that cannot be written is left as it is.

    Source: https://opentelemetry.io/docs/specs/otel/context/api-propagators/#inject
    """
    try:
        import_without_otel_env("opentelemetry.propagate").inject(carrier)
    except Exception as error:  # noqa: BLE001 - no such carrier, or a propagator of somebody else
        report_once("Writing context into a carrier", error)
    return carrier


def extract_context(carrier: Mapping[str, str]) -> Context:
    """Read trace context, baggage and correlation id from a carrier.

    Args:
        carrier: A mapping of text to text, such as request headers.

    Returns:
        A context for ``traced(…, parent=…)`` or ``opentelemetry.context.attach``; unreadable values are left out, and what
        is no mapping gives the current context.

    Source: https://opentelemetry.io/docs/specs/otel/context/api-propagators/#extract
    """
    try:
        found: Context = import_without_otel_env("opentelemetry.propagate").extract(carrier, get_current())
    except Exception as error:  # noqa: BLE001 - no such carrier, or a propagator of somebody else
        report_once("Reading context from a carrier", error)
        return get_current()
    return found


def _set(value: str) -> Token[_LocalId | None]:
    remote = get_value(REMOTE_ID_KEY)
    return _local_id.set(_LocalId(value, remote if isinstance(remote, str) else None))
