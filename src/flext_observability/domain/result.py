"""FlextResult: a value, or a failure with message, code and fix (standard library only)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from flext_observability.values.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")
U = TypeVar("U")
T_co = TypeVar("T_co", covariant=True)

_COPIED: Final = lazy_pattern(r"pip install [^\s)]+$|[/=]\S*$|\.$")
"""End of a fix without a full stop: a command, a path or an assignment to copy, or a fix that has its full stop."""


def compose_message(message: str, fix: str) -> str:
    """Return ``<what>: <why>. <action>.``, or the message alone without a fix.

    Args:
        message: What is wrong and why, without a full stop.
        fix: The next action, without a full stop; empty for none.
    """
    if not fix:
        return message
    return f"{message}. {fix}" if _COPIED.search(fix) else f"{message}. {fix}."


def _to_text(value: object) -> str:
    """Return text as ``str`` itself, and any other object in its encoded form."""
    if type(value) is str:
        return value
    from flext_observability.values.encoding import encode_tag

    return encode_tag(value)


class FlextObservabilityError(Exception):
    """Raised by ``FlextResult.unwrap`` on a failure; ``str(error)`` holds message and fix.

    Attributes:
        message: What is wrong and why, without the fix.
        code: The result's stable code, such as ``invalid_argument``.
        fix: The next action; empty when there is none.
    """

    def __init__(self, message: str, code: str = "error", fix: str = "") -> None:
        message, fix = _to_text(message), _to_text(fix)
        super().__init__(compose_message(message, fix))
        self.message = message
        self.code = code
        self.fix = fix

    def __reduce__(self) -> tuple[type[FlextObservabilityError], tuple[str, str, str]]:
        """Keep code and fix in a pickle (process pools send exceptions to their parent)."""
        return type(self), (self.message, self.code, self.fix)


class FlextResult(Generic[T_co]):
    """Outcome of an operation: a value, or a failure with a message, a stable code and a fix.

    Immutable. ``bool(result)`` is ``result.success``. ``await result`` returns the result itself. In ``match``, the
    positional order is success, data, error, code, fix: ``case FlextResult(True, value)``,
    ``case FlextResult(False, _, error)``.
    """

    __match_args__ = ("success", "data", "error", "code", "fix")
    __slots__ = ("_code", "_data", "_fix", "_message")

    _data: T_co | None
    _message: str | None
    _code: str | None
    _fix: str

    def __init__(
        self, data: T_co | None = None, *, error: str | None = None, code: str | None = None, fix: str = ""
    ) -> None:
        """Prefer ``FlextResult.ok`` and ``FlextResult.fail``; a result with an ``error`` is a failure."""
        self._data = data
        self._message = error
        self._code = code
        self._fix = fix
        if error is not None and not (type(error) is type(fix) is str and (code is None or type(code) is str)):
            self._message, self._fix = _to_text(error), _to_text(fix)
            self._code = None if code is None else _to_text(code)

    @staticmethod
    def ok(value: U) -> FlextResult[U]:
        """Return a success that holds ``value``, which may be None."""
        return FlextResult(value)

    @classmethod
    def fail(cls, message: str, *, code: str = "error", fix: str = "") -> FlextResult[T_co]:
        """Return a failure.

        Args:
            message: What is wrong and why, ``<what>: <why>``, without a full stop.
            code: Stable word for programs.
            fix: The next action, one sentence without a full stop; empty when there is none.
        """
        # ``FlextResult.fail(other.error)`` stays a failure when ``other`` is a success.
        return FlextResult(
            error="No reason was given" if cast("object", message) is None else message, code=code, fix=fix
        )

    @property
    def success(self) -> bool:
        """Whether there is a value."""
        return self._message is None

    @property
    def is_success(self) -> bool:
        """Whether there is a value."""
        return self._message is None

    @property
    def is_failure(self) -> bool:
        """Whether there is an error."""
        return self._message is not None

    @property
    def data(self) -> T_co | None:
        """The value; None on failure."""
        return self._data

    @property
    def error(self) -> str | None:
        """The failure's message and fix, ``<what>: <why>. <action>.``; None on success."""
        return None if self._message is None else compose_message(self._message, self._fix)

    @property
    def message(self) -> str | None:
        """The failure's message without the fix; None on success."""
        return self._message

    @property
    def code(self) -> str | None:
        """The failure's stable code; None on success."""
        return self._code

    @property
    def fix(self) -> str:
        """The failure's next action; empty on success, and when there is none."""
        return self._fix

    def unwrap(self) -> T_co:
        """Return the value.

        Raises:
            FlextObservabilityError: This is a failure; carries its message, code and fix.
        """
        if self._message is not None:
            raise FlextObservabilityError(self._message, self._code or "error", self._fix)
        return cast("T_co", self._data)

    def unwrap_or(self, default: U) -> T_co | U:
        """Return the value, or ``default`` on failure."""
        return default if self._message is not None else cast("T_co", self._data)

    def map(self, fn: Callable[[T_co], U]) -> FlextResult[U]:
        """Return a success with ``fn(value)``; a failure passes through and ``fn`` is not called.

        An exception of ``fn`` propagates, here and in the other composing methods.
        """
        if self._message is not None:
            return cast("FlextResult[U]", self)
        return FlextResult(fn(cast("T_co", self._data)))

    def flat_map(self, fn: Callable[[T_co], FlextResult[U]]) -> FlextResult[U]:
        """Return ``fn(value)``; a failure passes through and ``fn`` is not called."""
        if self._message is not None:
            return cast("FlextResult[U]", self)
        return fn(cast("T_co", self._data))

    def map_error(self, fn: Callable[[str], str]) -> FlextResult[T_co]:
        """Return the failure with ``fn(message)``, the same code and fix; a success passes through."""
        if self._message is None:
            return self
        return FlextResult(error=fn(self._message), code=self._code, fix=self._fix)

    def or_else(self, fn: Callable[[str], FlextResult[U]]) -> FlextResult[T_co | U]:
        """Return ``fn(error)`` on failure; a success passes through."""
        return self if (error := self.error) is None else fn(error)

    def tap(self, fn: Callable[[T_co], object]) -> FlextResult[T_co]:
        """Call ``fn(value)`` for its effect and return this result; not called on failure."""
        if self._message is None:
            fn(cast("T_co", self._data))
        return self

    def __bool__(self) -> bool:
        """Whether there is a value."""
        return self._message is None

    def __await__(self) -> Generator[Any, None, FlextResult[T_co]]:
        """Return this result, so that code which awaits every call works."""
        return self._settle().__await__()

    async def _settle(self) -> FlextResult[T_co]:
        return self

    def __eq__(self, other: object) -> bool:
        """Whether both are the same outcome."""
        if not issubclass(type(other), FlextResult):
            return NotImplemented
        theirs = cast("FlextResult[object]", other)
        return self._fields() == theirs._fields()

    def __hash__(self) -> int:
        """Hash of the outcome; the value must be hashable."""
        return hash(self._fields())

    def __repr__(self) -> str:
        """Return the call that creates an equal result."""
        if self._message is None:
            return f"FlextResult.ok({self._data!r})"
        fix = f", fix={self._fix!r}" if self._fix else ""
        return f"FlextResult.fail({self._message!r}, code={self._code!r}{fix})"

    def _fields(self) -> tuple[T_co | None, str | None, str | None, str]:
        return self._data, self._message, self._code, self._fix
