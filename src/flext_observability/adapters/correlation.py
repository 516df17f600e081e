"""Correlation ids, and propagation of context in carriers (OTel API only).

A local id, set by the program, is stored in a context variable. A remote id, received with a request, is stored in the
OTel context by the propagator. The newer id wins: a local id is valid only with the remote id that was current when it
was set. So an id from start-up never hides the id of a request.
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
from flext_observability.values.encoding import preview
from flext_observability.values.foreign import plain_text
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import CORRELATION_ATTRIBUTE

REMOTE_ID_KEY = create_key(CORRELATION_ATTRIBUTE)
MAX_ID_CHARACTERS = 128
_VALID_ID = re.compile(rf"[\x21-\x7e]{{1,{MAX_ID_CHARACTERS}}}")


class _LocalId(NamedTuple):
    """An id set by the program, and the remote id at that time."""

    value: str
    remote: str | None


_local_id: ContextVar[_LocalId | None] = ContextVar("flext_correlation_id", default=None)


def valid_correlation_id(value: object) -> str | None:
    """Return the value if it is a valid id (1–128 visible ASCII characters), otherwise None."""
    text = plain_text(value)
    return text if text is not None and _VALID_ID.fullmatch(text) else None


def current_correlation_id(context: Context | None = None) -> str | None:
    """Return the current id, or None. Never creates an id.

    Args:
        context: OTel context with the remote id. Default: the current context.
    """
    remote = get_value(REMOTE_ID_KEY, context)
    local = _local_id.get()
    if local is not None and local.remote == remote:
        return local.value
    return remote if isinstance(remote, str) else None


def flext_get_correlation_id() -> str:
    """Return the current correlation id. Without one, create it (32 hex digits) and set it in this context.

    Returns:
        1–128 visible ASCII characters.
    """
    current = current_correlation_id()
    if current is None:
        current = uuid4().hex
        _set(current)
    return current


def flext_set_correlation_id(correlation_id: str) -> FlextResult[str]:
    """Set the correlation id of this thread or task, and of the tasks that it starts later.

    Args:
        correlation_id: 1–128 visible ASCII characters.

    Returns:
        The id, or the failure ``invalid_correlation_id``, which leaves the current id unchanged.
    """
    valid = valid_correlation_id(correlation_id)
    if valid is None:
        return FlextResult[str].fail(
            f"Invalid correlation id: {preview(correlation_id)}",
            code="invalid_correlation_id",
            fix=f"Use 1 to {MAX_ID_CHARACTERS} visible ASCII characters without spaces",
        )
    _set(valid)
    return FlextResult[str].ok(valid)


@contextmanager
def correlation_scope(correlation_id: str | None = None) -> Iterator[str]:
    """Run the body with a correlation id, then restore the previous id.

    Args:
        correlation_id: The id. None or an invalid id is replaced with a new one (32 hex digits).

    Yields:
        The current id in the body.
    """
    value = valid_correlation_id(correlation_id) or uuid4().hex
    token = _set(value)
    try:
        yield value
    finally:
        with suppress(ValueError):  # an async generator may be closed in another context, which has nothing to restore
            _local_id.reset(token)


def inject_context(carrier: MutableMapping[str, str]) -> MutableMapping[str, str]:
    """Write trace context, baggage and correlation id of the current context into a carrier.

    Args:
        carrier: Any object with item assignment, such as request headers.

    Returns:
        The same carrier, for ``headers=inject_context({})``. A carrier without item assignment is left unchanged.

    Source: https://opentelemetry.io/docs/specs/otel/context/api-propagators/#inject
    """
    try:
        import_without_otel_env("opentelemetry.propagate").inject(carrier)
    except BaseException as error:  # noqa: BLE001 - an invalid carrier, or a foreign propagator
        reraise_interrupt(error)
        report_once("Writing context into a carrier", error)
    return carrier


def extract_context(carrier: Mapping[str, str]) -> Context:
    """Read trace context, baggage and correlation id from a carrier.

    Args:
        carrier: A mapping of text to text, such as request headers.

    Returns:
        A context for ``traced(…, parent=…)`` or ``opentelemetry.context.attach``. Invalid values are left out. An
        invalid carrier gives the current context.

    Source: https://opentelemetry.io/docs/specs/otel/context/api-propagators/#extract
    """
    try:
        extracted: Context = import_without_otel_env("opentelemetry.propagate").extract(carrier, get_current())
    except BaseException as error:  # noqa: BLE001 - an invalid carrier, or a foreign propagator
        reraise_interrupt(error)
        report_once("Reading context from a carrier", error)
        return get_current()
    return extracted


def _set(value: str) -> Token[_LocalId | None]:
    remote = get_value(REMOTE_ID_KEY)
    return _local_id.set(_LocalId(value, remote if isinstance(remote, str) else None))
