"""Correlation ids: created, set, and limited to a scope (OTel API only).

The ids are stored in OTel's context, in an ``IdHolder``. A request has a holder of its own, from the propagator that
reads its headers; a scope and a local root span too. So an id ends with what it was created or set in, and an id from
start-up never hides the id of a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

from opentelemetry.context import attach, get_current, set_value

from flext_observability.adapters.current_context import SPAN_KEY
from flext_observability.adapters.id_holder import HOLDER_KEY, IdHolder, current_holder
from flext_observability.domain.result import FlextResult
from flext_observability.values.encoding import preview
from flext_observability.values.foreign import plain_text
from flext_observability.values.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context

MAX_ID_CHARACTERS: Final = 128
_VALID_ID: Final = lazy_pattern(rf"[\x21-\x7e]{{1,{MAX_ID_CHARACTERS}}}")


def valid_correlation_id(value: object) -> str | None:
    """Return the value if it is a valid id (1–128 visible ASCII characters), otherwise None."""
    text = plain_text(value)
    return text if text is not None and _VALID_ID.fullmatch(text) else None


def current_correlation_id(context: Context | None = None) -> str | None:
    """Return the current id, or None. Never creates an id.

    Args:
        context: OTel context with the id. Default: the current context.
    """
    holder = current_holder(context)
    return None if holder is None else holder.value


def correlation_id_in(context: Context) -> str | None:
    """Return ``current_correlation_id`` of the current context, without the way to it if it has an id of its own."""
    holder: Any = context.get(HOLDER_KEY)
    if holder is not None:
        holder = holder.valid()
        if holder is not None and not holder.ambient:
            return cast("str | None", holder.value)
    return current_correlation_id(context) if holder is not None or SPAN_KEY in context else None


def flext_get_correlation_id() -> str:
    """Return the current correlation id. Without one, create it (32 hex digits).

    A created id is valid in the whole request, scope, or local root span that is current, otherwise in this thread or
    task; in a ``ThreadPoolExecutor`` until the end of the submitted call.

    Returns:
        1–128 visible ASCII characters.
    """
    holder = current_holder()
    if holder is None:
        holder = _attach(None)
    return holder.value or holder.value_or(uuid4().hex)


def flext_set_correlation_id(correlation_id: str) -> FlextResult[str]:
    """Set the correlation id of this thread or task, and of the tasks that it starts later.

    The id ends with the request, scope or local root span in which it was set.

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
    holder = current_holder()
    if holder is None:
        _attach(valid)
    elif not holder.replace(valid):
        holder.add_branch(_attach(valid))
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
    outer, holder = current_holder(), IdHolder(value)
    context = set_value(HOLDER_KEY, holder)
    token = attach(context)
    try:
        yield value
    finally:
        if not _restore(context, token):
            holder.leave(outer)


def _attach(value: str | None) -> IdHolder:
    """Make a new holder current, until an enclosing span, scope or task ends."""
    outer = current_holder()
    holder = IdHolder(value, ambient=outer is None or outer.ambient)
    if outer is None:
        holder.end_with_pool_call()
    attach(set_value(HOLDER_KEY, holder))
    return holder


def _restore(context: Context, token: Token[Context]) -> bool:
    """Restore the context from before a scope. Return False if that is not possible.

    A generator may leave its scope inside another scope, or in another task: its context is not current there.
    """
    if get_current() is not context:
        return False
    try:
        token.var.reset(token)
    except ValueError:  # a copy of the context, in another task
        return False
    return True
