"""Counts of the items of a spool, for each signal and exporter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import final

from flext_observability.values.named_tuple import NamedTuple


class SpoolCounts(NamedTuple):
    """Items of one signal and exporter.

    Attributes:
        delivered: Items that this process wrote, and that were sent from disk.
        evicted: Items that this process wrote and that were dropped, by reason.
        found: Items that ended processes left and that this one has taken over.
        found_delivered: Those that were sent.
        found_dropped: Those that were dropped, by reason.
    """

    delivered: int = 0
    evicted: Mapping[str, int] = {}
    found: int = 0
    found_delivered: int = 0
    found_dropped: Mapping[str, int] = {}


@final
class SpoolTally:
    """Counts of one signal and exporter, of own or of found items."""

    __slots__ = ("delivered", "dropped", "total")

    def __init__(self) -> None:
        self.total = self.delivered = 0
        self.dropped: Counter[str] = Counter()
