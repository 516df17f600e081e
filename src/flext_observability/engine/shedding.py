"""Levels of detail: what spans leave out while telemetry costs more than its budget.

Span events go first, then attributes, then traces: what is left still shows where the time went.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from math import inf
from typing import Final

from flext_observability.values.named_tuple import NamedTuple
from flext_observability.values.names import CORRELATION_ATTRIBUTE, OUTCOME_ATTRIBUTE, SERVICE_NAME_ATTRIBUTE

KEPT_ATTRIBUTES: Final = 8
"""Attributes that a span keeps from level 2 on: the first ones set."""
MAX_HALVINGS: Final = 6
"""Halvings of the sampling ratio at the highest level: one of 64 traces is left."""
ESSENTIAL: Final = frozenset(
    {
        CORRELATION_ATTRIBUTE,
        SERVICE_NAME_ATTRIBUTE,
        OUTCOME_ATTRIBUTE,
        "error.type",
        "http.response.status_code",
        "http.status_code",
        "http.route",
    }
)
"""Attributes that each span keeps: instrumentations set them late."""
EXCEPTION: Final = "exception"
"""Name of the events that each span keeps."""


class Shedding(NamedTuple):
    """What spans leave out.

    Attributes:
        events: Whether new events are left out, except for exceptions.
        kept_attributes: Number of attributes that a span keeps, besides ``ESSENTIAL``; ``inf`` for all.
        halvings: How often the sampling ratio of new traces is halved.
    """

    events: bool = False
    kept_attributes: float = inf
    halvings: int = 0

    def describe(self) -> tuple[str, ...]:
        """Return what is left out, in words; empty for nothing."""
        return tuple(
            text
            for text, applies in (
                ("span events", self.events),
                (f"span attributes beyond {self.kept_attributes}", self.kept_attributes < inf),
                (f"{2**self.halvings - 1} of {2**self.halvings} traces", self.halvings),
            )
            if applies
        )


LEVELS: Final = (
    Shedding(),
    Shedding(events=True),
    *(Shedding(True, KEPT_ATTRIBUTES, halvings) for halvings in range(MAX_HALVINGS + 1)),  # noqa: FBT003 - a field
)
"""What is left out at each level; nothing at level 0."""


SAMPLING_LEVEL: Final = 3
"""The first level that lowers the sampling ratio."""


class ShedCounts(NamedTuple):
    """Counters of what is left out, each advanced once for one item.

    Attributes:
        events: Span events.
        attributes: Span attributes.
        spans: Spans that are not sampled while the ratio is lowered.
    """

    events: Iterator[object] = repeat(None)
    attributes: Iterator[object] = repeat(None)
    spans: Iterator[object] = repeat(None)


class ShedAttributes(dict[str, object]):
    """Attributes of a span that has left some out.

    Attributes:
        dropped: Number of attributes that were left out.
    """

    dropped = 0
