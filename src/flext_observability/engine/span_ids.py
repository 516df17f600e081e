"""Trace and span ids: random ones, or those of an id generator of the program."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Final, final

from opentelemetry.trace import TraceFlags

from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.foreign import is_a
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.id_generator import IdGenerator

TRACE_ID_BITS: Final = 128
SPAN_ID_BITS: Final = 64
RANDOM_FLAG: Final[int] = getattr(TraceFlags, "RANDOM_TRACE_ID", 0)  # not in the oldest SDK


@final
class RandomIds:
    """Random ids, from a generator that the system seeds, in a forked child again.

    Not the generator of the module ``random``: a program that seeds it would use the same ids in all processes.

    Attributes:
        bits: Returns a random number of this many bits. Thread-safe.
    """

    __slots__ = ("__weakref__", "_random", "bits")

    def __init__(self, bits: Callable[[int], int] | None = None) -> None:
        self._random = Random()
        self.bits = bits or self._random.getrandbits
        register_fork_aware(self)

    def reinit_after_fork(self) -> None:
        """Seed the generator again."""
        self._random.seed()


@final
class GivenIds:
    """Ids of an id generator of the program. One that raises, or that is not valid, is replaced by a random id.

    Attributes:
        generator: The id generator of the program.
    """

    __slots__ = ("_random", "generator")

    def __init__(self, generator: IdGenerator, random: RandomIds) -> None:
        self.generator = generator
        self._random = random

    def trace_id(self) -> int:
        """Return a trace id."""
        return self._valid("trace id", self.generator.generate_trace_id, TRACE_ID_BITS)

    def span_id(self) -> int:
        """Return a span id."""
        return self._valid("span id", self.generator.generate_span_id, SPAN_ID_BITS)

    def flags(self) -> int:
        """Return the trace flag of random ids, if the generator says that its trace ids are random."""
        try:
            is_random = getattr(self.generator, "is_trace_id_random", bool)()
        except BaseException as error:  # noqa: BLE001 - an id generator of the program
            reraise_interrupt(error)
            report_once("Asking the id generator", error)
            return 0
        return RANDOM_FLAG if is_random is True else 0

    def _valid(self, what: str, generate: Callable[[], int], bits: int) -> int:
        try:
            made = generate()
            if is_a(made, int) and 0 < made < 1 << bits:
                return int(made)
            problem: BaseException = ValueError(f"it is not a number of {bits} bits")
        except BaseException as error:  # noqa: BLE001 - an id generator of the program
            reraise_interrupt(error)
            problem = error
        report_once(f"Generating a {what}", problem)
        return self._random.bits(bits) or 1
