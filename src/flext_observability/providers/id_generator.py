"""Setting ``id_generator`` → the id generator of another package, or None for random ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from opentelemetry.sdk.trace.id_generator import IdGenerator

from flext_observability.engine.span_ids import GivenIds, RandomIds
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.providers.notices import Notices
    from flext_observability.settings.config import FlextObservabilityConfig


def make_id_generator(config: FlextObservabilityConfig, notices: Notices) -> IdGenerator | None:
    """Return the configured id generator; None for random ids. One that cannot be loaded degrades the signal.

    Source: https://opentelemetry.io/docs/specs/otel/trace/sdk/#id-generators
    """
    if config.id_generator == "random":
        return None
    problem = "is not installed"
    from importlib.metadata import entry_points

    for entry in entry_points(group="opentelemetry_id_generator", name=config.id_generator):
        try:
            generator = entry.load()()
        except BaseException as error:  # noqa: BLE001 - code of another package
            reraise_interrupt(error)
            problem = f"failed ({describe_error(error)})"
        else:
            if isinstance(generator, IdGenerator):
                return generator
            problem = "is not an id generator"
    notices.degrade(
        "traces",
        f"The id generator '{config.id_generator}' {problem}: ids are random",
        "Use random, or install the package of the id generator",
    )
    return None


@final
class ContainedIdGenerator(IdGenerator):
    """Id generator for the SDK's tracer. An id that the inner one cannot give is random."""

    def __init__(self, inner: IdGenerator) -> None:
        self._ids = GivenIds(inner, RandomIds())

    def generate_trace_id(self) -> int:
        """Return a trace id."""
        return self._ids.trace_id()

    def generate_span_id(self) -> int:
        """Return a span id."""
        return self._ids.span_id()

    def is_trace_id_random(self) -> bool:
        """Return whether trace ids are random."""
        return bool(self._ids.flags())
