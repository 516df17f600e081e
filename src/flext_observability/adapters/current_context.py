"""OTel's current context and the span in it, without a function call for each layer of the API (public names only)."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Final, Protocol, cast, final

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

if TYPE_CHECKING:
    from opentelemetry.trace import Span


class ContextVariable(Protocol):
    """The used methods of the ``ContextVar`` that holds OTel's current context."""

    def get(self) -> Context:
        """Return the current context."""
        ...

    def set(self, value: Context, /) -> Token[Context]:
        """Make a context current."""
        ...

    def reset(self, token: Token[Context], /) -> None:
        """Restore the context from before ``set``. Raises ``ValueError`` in another thread or task."""
        ...


@final
class ForeignVariable:
    """OTel's current context when ``OTEL_PYTHON_CONTEXT`` names an implementation of another package."""

    get = staticmethod(get_current)
    set = staticmethod(attach)
    reset = staticmethod(detach)


def find_variable() -> ContextVariable:
    """Return the variable behind OTel's functions, or these functions if there is none."""
    here = get_current()
    token = attach(here)
    variable: object = getattr(token, "var", None)
    detach(token)
    if type(variable) is ContextVar and cast("ContextVariable", variable).get() is here:
        return cast("ContextVariable", variable)
    return ForeignVariable()


def find_span_key() -> str:
    """Return the key of the current span in a context."""
    (key,) = set_span_in_context(INVALID_SPAN, Context({"": 0})).keys() - {""}
    return key


CURRENT: Final = find_variable()
SPAN_KEY: Final = find_span_key()


def with_span(context: Context, span: Span) -> Context:
    """Return the context with another current span."""
    return Context({**context, SPAN_KEY: span})
