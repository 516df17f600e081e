"""Limits that a program exceeds, and instruments of one name → one log line each, and notices for the status."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.report import Notice
from flext_observability.domain.result import compose_message
from flext_observability.runtime.internal_log import log_warning
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.encoding import encode_tag

if TYPE_CHECKING:
    from flext_observability.engine.metrics.attributes import Clean

MAX_INSTRUMENTS: Final = 5000
"""Maximum number of instruments of a process. Each costs about 3 KB."""
MAX_NAMED: Final = 100
"""Maximum number of notices about series, and about names; a program may have many instruments."""
_SERIES_FIX: Final = "Measure without it, or with few values; or raise metrics_cardinality_limit"
_DUPLICATES_FIX: Final = "Use one kind, unit and description for each name"
_NAMES_FIX: Final = "Use an attribute instead of a part of the name"
_logger: Final = logging.getLogger("flext_observability")


@final
class MetricLimits:
    """Exceeded limits, and instruments of one name. Thread-safe.

    Attributes:
        discarded: Number of instruments beyond ``MAX_INSTRUMENTS``.
    """

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._series: dict[str, Notice] = {}
        self._duplicates: dict[str, Notice] = {}
        self._first_discarded = ""
        self.discarded = 0

    def add_series(self, instrument: str, limit: int, attributes: Iterable[Clean]) -> None:
        """Log that an instrument has too many series, with the attribute that has the most values."""
        name, count = _most_values(attributes)
        cause = (
            f"the attribute {encode_tag(name, max_bytes=100)} has {count} values or more" if name else "the limit is 1"
        )
        message = (
            f"The instrument {encode_tag(instrument, max_bytes=100)} has {limit} series, its limit: {cause}. "
            "Further ones are counted together in the series otel.metric.overflow=true"
        )
        notice = Notice("metrics", message, _SERIES_FIX)
        with self._lock:
            is_new = instrument not in self._series and len(self._series) < MAX_NAMED
            if is_new:
                self._series[instrument] = notice
        if is_new:
            log_warning(_logger, compose_message(message, _SERIES_FIX))

    def add_duplicate(self, name: str, first: str, second: str) -> None:
        """Log that an instrument of a known name is created with another kind, unit or description.

        Args:
            name: The name.
            first: Description of the instrument that exists.
            second: Description of the other one.

        Source: https://opentelemetry.io/docs/specs/otel/metrics/sdk/#duplicate-instrument-registration
        """
        shown = encode_tag(name, max_bytes=100)
        message = f"Two instruments of one meter have the name {shown}, {first} and {second}: both are exported"
        notice = Notice("metrics", message, _DUPLICATES_FIX)
        with self._lock:
            is_new = message not in self._duplicates and len(self._duplicates) < MAX_NAMED
            if is_new:
                self._duplicates[message] = notice
        if is_new:
            log_warning(_logger, str(notice))

    def add_instrument(self, instrument: object) -> None:
        """Count an instrument that is discarded. The first one is logged."""
        with self._lock:
            self.discarded += 1
            is_first = not self._first_discarded
            if is_first:
                self._first_discarded = encode_tag(instrument, max_bytes=100)
        if is_first:
            log_warning(_logger, str(self._instruments()))

    def notices(self) -> tuple[Notice, ...]:
        """Return a notice for each exceeded limit, and for each name of two instruments."""
        with self._lock:
            discarded = (self._instruments(),) if self.discarded else ()
            return (*self._series.values(), *self._duplicates.values(), *discarded)

    def _instruments(self) -> Notice:
        message = (
            f"{MAX_INSTRUMENTS} instruments exist, the limit. Further ones discard their measurements, such as "
            f"{self._first_discarded} (instruments discarded: {self.discarded})"
        )
        return Notice("metrics", message, _NAMES_FIX, degrades=True)


def metric_limits() -> MetricLimits:
    """Return the limits of the process that are exceeded."""
    return current_runtime().get(MetricLimits)


def _most_values(attributes: Iterable[Clean]) -> tuple[str, int]:
    """Return the attribute with the most distinct values, and their number."""
    pairs: set[tuple[str, type, str]] = {
        (name, type(value), repr(value)) for each in attributes for name, value in each.items()
    }
    counts = Counter(name for name, _, _ in pairs).most_common(1)
    return counts[0] if counts else ("", 0)
