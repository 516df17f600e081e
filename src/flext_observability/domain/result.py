"""Value or failure → FlextResult, readable at once or awaitable (standard library only)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from flext_observability.domain.errors import FlextObservabilityError

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Callable, Coroutine, Generator

T = TypeVar("T")
U = TypeVar("U")
T_co = TypeVar("T_co", covariant=True)

_PENDING = "This result is pending: the work starts when you await it"


class FlextResult(Generic[T_co]):
    """Outcome of an operation: a value, or a message with a stable code.

    Immutable. ``bool(result)`` is ``result.success``; ``await result`` gives the result itself. In ``match``, the positional order is
    success, data, error, code: ``case FlextResult(True, value)``, ``case FlextResult(False, _, message)``.
    """

    __match_args__ = ("success", "data", "error", "code")
    __slots__ = ("_code", "_data", "_error")

    _data: T_co | None
    _error: str | None
    _code: str | None

    def __init__(self, data: T_co | None = None, *, error: str | None = None, code: str | None = None) -> None:
        """Prefer ``FlextResult.ok`` and ``FlextResult.fail``; a result with an ``error`` is a failure."""
        self._data = data
        self._error = error
        self._code = code

    @staticmethod
    def ok(value: U) -> FlextResult[U]:
        """Return a success that holds ``value``, which may be None."""
        return FlextResult(value)

    @classmethod
    def fail(cls, message: str, *, code: str = "error") -> FlextResult[T_co]:
        """Return a failure.

        Args:
            message: What is wrong and the next action, one sentence.
            code: Stable word for programs.
        """
        # A failure stays one when what should say why is empty-handed: ``FlextResult.fail(other.error)``.
        return FlextResult(error="No reason was given" if cast("object", message) is None else message, code=code)

    @property
    def success(self) -> bool:
        """Whether there is a value."""
        return self._error is None

    @property
    def is_success(self) -> bool:
        """Whether there is a value."""
        return self._error is None

    @property
    def is_failure(self) -> bool:
        """Whether there is an error."""
        return self._error is not None

    @property
    def data(self) -> T_co | None:
        """The value; None on failure."""
        return self._data

    @property
    def error(self) -> str | None:
        """The failure's message; None on success."""
        return self._error

    @property
    def code(self) -> str | None:
        """The failure's stable code; None on success."""
        return self._code

    def unwrap(self) -> T_co:
        """Return the value.

        Raises:
            FlextObservabilityError: This is a failure; carries its message and code.
        """
        if self._error is not None:
            raise FlextObservabilityError(self._error, self._code or "error")
        return cast("T_co", self._data)

    def unwrap_or(self, default: U) -> T_co | U:
        """Return the value, or ``default`` on failure."""
        return default if self._error is not None else cast("T_co", self._data)

    def map(self, fn: Callable[[T_co], U]) -> FlextResult[U]:
        """Return a success with ``fn(value)``; a failure passes through and ``fn`` is not called."""
        if self._error is not None:
            return cast("FlextResult[U]", self)
        return FlextResult(fn(cast("T_co", self._data)))

    def flat_map(self, fn: Callable[[T_co], FlextResult[U]]) -> FlextResult[U]:
        """Return ``fn(value)``; a failure passes through and ``fn`` is not called."""
        if self._error is not None:
            return cast("FlextResult[U]", self)
        return fn(cast("T_co", self._data))

    def map_error(self, fn: Callable[[str], str]) -> FlextResult[T_co]:
        """Return the failure with ``fn(message)`` and the same code; a success passes through."""
        if self._error is None:
            return self
        return FlextResult(error=fn(self._error), code=self._code)

    def or_else(self, fn: Callable[[str], FlextResult[U]]) -> FlextResult[T_co | U]:
        """Return ``fn(message)`` on failure; a success passes through."""
        return self if self._error is None else fn(self._error)

    def tap(self, fn: Callable[[T_co], object]) -> FlextResult[T_co]:
        """Call ``fn(value)`` for its effect and return this result; not called on failure."""
        if self._error is None:
            fn(cast("T_co", self._data))
        return self

    def __bool__(self) -> bool:
        """Whether there is a value."""
        return self._error is None

    def __await__(self) -> Generator[Any, None, FlextResult[T_co]]:
        """Give this result, so that code which awaits every call works."""
        return self._settle().__await__()

    async def _settle(self) -> FlextResult[T_co]:
        return self

    def __eq__(self, other: object) -> bool:
        """Whether both are the same outcome."""
        if not isinstance(other, FlextResult):
            return NotImplemented
        theirs = cast("FlextResult[object]", other)
        return (self._data, self._error, self._code) == (theirs._data, theirs._error, theirs._code)

    def __hash__(self) -> int:
        """Hash of the outcome; the value must be hashable."""
        return hash((self._data, self._error, self._code))

    def __repr__(self) -> str:
        """The call that makes an equal result."""
        if self._error is None:
            return f"FlextResult.ok({self._data!r})"
        return f"FlextResult.fail({self._error!r}, code={self._code!r})"


class PendingResult(FlextResult[T_co]):
    """Result of work that waits to be awaited, given by operations that were called inside a running event loop.

    Unawaited it reads as a failure with the code ``not_awaited``. Awaiting does the work, once however often it is awaited; from then on
    it reads as the outcome. The composing methods give pending results in turn.
    """

    __slots__ = ("_outcome", "_task", "_work")

    def __init__(self, work: Callable[[], Coroutine[Any, Any, FlextResult[T_co]]]) -> None:
        """Keep ``work``, a coroutine function without arguments, until somebody awaits."""
        super().__init__(error=_PENDING, code="not_awaited")
        self._work = work
        self._task: Task[FlextResult[T_co]] | None = None
        self._outcome: FlextResult[T_co] | None = None

    async def _settle(self) -> FlextResult[T_co]:
        if self._outcome is None:
            from asyncio import ensure_future, shield

            # Shielded: a waiter that is cancelled must not take the result from the others.
            self._task = self._task or ensure_future(self._run())
            return await shield(self._task)
        return self._outcome

    async def _run(self) -> FlextResult[T_co]:
        try:
            outcome = await self._work()
        except Exception as error:  # noqa: BLE001 - the border where foreign errors become failures
            from flext_observability.values.exceptions import describe_error

            outcome = FlextResult[T_co](error=describe_error(error), code="internal")
        self._data, self._error, self._code = outcome.data, outcome.error, outcome.code
        self._outcome = outcome
        return outcome

    def _then(self, step: Callable[[FlextResult[T_co]], FlextResult[U]]) -> FlextResult[U]:
        if self._outcome is not None:
            return step(self._outcome)

        async def work() -> FlextResult[U]:
            return step(await self._settle())

        return PendingResult(work)

    def map(self, fn: Callable[[T_co], U]) -> FlextResult[U]:
        """Return a pending result that maps the outcome."""
        return self._then(lambda outcome: outcome.map(fn))

    def flat_map(self, fn: Callable[[T_co], FlextResult[U]]) -> FlextResult[U]:
        """Return a pending result that continues from the outcome."""
        return self._then(lambda outcome: outcome.flat_map(fn))

    def map_error(self, fn: Callable[[str], str]) -> FlextResult[T_co]:
        """Return a pending result that rewrites the outcome's message."""
        return self._then(lambda outcome: outcome.map_error(fn))

    def or_else(self, fn: Callable[[str], FlextResult[U]]) -> FlextResult[T_co | U]:
        """Return a pending result that recovers from a failed outcome."""
        return self._then(lambda outcome: outcome.or_else(fn))

    def tap(self, fn: Callable[[T_co], object]) -> FlextResult[T_co]:
        """Return a pending result that shows the outcome to ``fn``."""
        return self._then(lambda outcome: outcome.tap(fn))


def settle(work: Callable[[], Coroutine[Any, Any, FlextResult[T]]]) -> FlextResult[T]:
    """Do the work now when no event loop runs in this thread, otherwise return it as a ``PendingResult``.

    Args:
        work: Coroutine function without arguments that returns a result.
    """
    import asyncio

    pending = PendingResult(work)

    async def wait() -> FlextResult[T]:
        return await pending

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Not asyncio.run: it would take away the loop that the program has set for this thread.
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            return runner.run(wait())
    return pending
