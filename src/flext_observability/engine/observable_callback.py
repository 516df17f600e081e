"""Callback of an observable instrument, in either form of the API → a plain function of valid observations."""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Iterable, Sequence
from inspect import GEN_CREATED, getgeneratorstate
from math import isfinite
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Final, cast, final

from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation

from flext_observability.values.encoding import encode_attributes, encode_tag
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_OBSERVATIONS: Final = 100_000
"""Maximum number of observations of one call. A callback that returns more is taken for an endless one."""
_INT64: Final = 1 << 63
_NUMBERS: Final = frozenset((int, float))


class Observed(NamedTuple):
    """Result of one call.

    Attributes:
        observations: Valid observations, also those before an exception.
        failure: Why others are missing; None when the call was valid.
    """

    observations: Sequence[Observation] = ()
    failure: BaseException | None = None


@final
class ObservableCallback:
    """One callback, called by one thread at a time.

    A generator starts with its first call and continues with every further one, also for another provider.

    Args:
        instrument: Name of the instrument.
        callback: Function of ``CallbackOptions``, or generator that receives them; an object of any type.
        ask: Returns the observations for a reader, in time.
    """

    __slots__ = ("_ask", "_callback", "_started", "instrument")

    def __init__(
        self, instrument: object, callback: object, ask: Callable[[ObservableCallback], Sequence[Observation]]
    ) -> None:
        self.instrument = encode_tag(instrument, max_bytes=100)
        self._callback = callback
        self._ask = ask
        self._started = False

    def __call__(self, _: CallbackOptions) -> Sequence[Observation]:
        """Return the observations for a reader of the SDK. Never raises."""
        return self._ask(self)

    def call(self, options: CallbackOptions) -> Observed:
        """Call the program's callback. Never raises."""
        observations: list[Observation] = []
        failure: BaseException | None = None
        try:
            for count, item in enumerate(self._iterate(options)):
                if count == MAX_OBSERVATIONS:
                    return Observed((), ValueError(f"it returns more than {MAX_OBSERVATIONS} observations"))
                try:
                    observations.append(_valid(item))
                except BaseException as error:  # noqa: BLE001 - an object of any type; the other ones are used
                    reraise_interrupt(error)
                    failure = error
        except BaseException as error:  # noqa: BLE001 - code of the program
            reraise_interrupt(error)
            failure = error
        return Observed(observations, failure)

    def _iterate(self, options: CallbackOptions) -> Iterable[object]:
        callback: Any = self._callback
        is_generator = isinstance(cast("object", callback), Generator)
        found: object = self._resume(callback, options) if is_generator else callback(options)
        if isinstance(found, Coroutine):
            found.close()
            raise TypeError("it is a coroutine function instead of a plain function")
        if found is None:
            raise TypeError("it returned None instead of observations")
        return cast("Iterable[object]", found)

    def _resume(self, generator: Generator[object, object, object], options: CallbackOptions) -> object:
        """Return the next item; the part before the first ``yield`` runs once in the life of the generator."""
        try:
            if not self._started:
                self._started = True
                if not isinstance(generator, GeneratorType) or getgeneratorstate(generator) == GEN_CREATED:
                    next(generator)
            return generator.send(options)
        except StopIteration:
            raise RuntimeError("its generator has ended") from None


def _valid(item: object) -> Observation:
    """Return the observation with a finite number of 64 bits and encoded attributes, as every exporter accepts them."""
    if not isinstance(item, Observation):
        raise TypeError(f"it returned an item of type {type(item).__name__} instead of an Observation")
    value = cast("object", item.value)
    if type(value) not in _NUMBERS or not -_INT64 <= cast("int", value) < _INT64:
        if isinstance(value, str | bytes):
            raise TypeError(f"it observed a value of type {type(value).__name__} instead of a number")
        value = float(cast("float", value))
    number = cast("float", value)
    if not isfinite(number):
        raise ValueError(f"it observed {number}")
    context = cast("object", item.context)
    attributes = encode_attributes(item.attributes) if item.attributes is not None else None
    return Observation(number, attributes, context if isinstance(context, Context) else None)
