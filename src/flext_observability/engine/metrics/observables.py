"""Callbacks of an observable instrument → its series in one collection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from opentelemetry.metrics import CallbackOptions, ObservableCounter, ObservableGauge, ObservableUpDownCounter

from flext_observability.engine.metrics.attributes import clean, series_key
from flext_observability.engine.metrics.limits import metric_limits
from flext_observability.engine.metrics.stream import OVERFLOW

if TYPE_CHECKING:
    from opentelemetry.metrics import Observation

    from flext_observability.engine.metrics.attributes import Clean, Key
    from flext_observability.engine.metrics.exemplars import ExemplarFilter, Kept
    from flext_observability.engine.metrics.stream import Identity
    from flext_observability.engine.observable_callback import ObservableCallback

T = TypeVar("T")
_OPTIONS: Final = CallbackOptions()


@final
class Observed:
    """One series in one collection.

    Attributes:
        attributes: Its attributes.
        value: Sum of its observations; the last one for a gauge.
        exemplar: What is kept of the last observation; None for nothing.
        start_ns: Time of the first collection that had it.
    """

    __slots__ = ("attributes", "exemplar", "start_ns", "value")

    def __init__(self, attributes: Clean, start_ns: int) -> None:
        self.attributes = attributes
        self.start_ns = start_ns
        self.value: float = 0
        self.exemplar: Kept | None = None


@final
class ObservableStream:
    """Series of one observable instrument. One thread at a time.

    Args:
        identity: Identity of the instrument.
        callbacks: Callbacks that never raise and never hang.
        limit: Maximum number of series of one collection, besides that of the overflow.
        exemplars: Filter of exemplars.
        cleaned: Attributes as given → as exported.
    """

    __slots__ = ("_callbacks", "_clean", "_filter", "_is_gauge", "_known", "_limit", "_previous", "identity")

    def __init__(
        self,
        identity: Identity,
        callbacks: Sequence[ObservableCallback],
        limit: int,
        exemplars: ExemplarFilter,
        cleaned: Callable[[object], Clean] = clean,
    ) -> None:
        self._clean = cleaned
        self.identity = identity
        self._callbacks = callbacks
        self._limit = limit
        self._filter = exemplars
        self._known: dict[Key, Observed] = {}
        self._previous: dict[object, dict[Key, tuple[float, int]]] = {}
        self._is_gauge = identity.kind == "observable_gauge"

    def observe(self) -> dict[Key, Observed]:
        """Return the series of a new collection."""
        found: dict[Key, Observed] = {}
        for callback in self._callbacks:
            for observation in callback(_OPTIONS):
                self._add(found, observation)
        self._known = known = _bounded({**self._known, **found}, found, self._limit)
        return {key: found[key] for key in known if key in found}

    def difference(self, reader: object, found: dict[Key, Observed], now_ns: int) -> list[tuple[Observed, float, int]]:
        """Return the series with the change and the time since the previous collection of this reader that had them."""
        previous = self._previous.get(reader, {})
        changes: list[tuple[Observed, float, int]] = []
        for key, each in found.items():
            value, since_ns = previous.get(key, (0, each.start_ns))
            changes.append((each, each.value - value, since_ns))
        latest = {key: (each.value, now_ns) for key, each in found.items()}
        self._previous[reader] = _bounded({**previous, **latest}, latest, self._limit)
        return changes

    def _add(self, found: dict[Key, Observed], observation: Observation) -> None:
        attributes = self._clean(observation.attributes)
        key = series_key(attributes)
        series = found.get(key)
        if series is None and len(found) >= self._limit:
            if len(found) == self._limit:
                metric_limits().add_series(
                    self.identity.name, self._limit, [each.attributes for each in found.values()]
                )
            attributes, key = OVERFLOW, series_key(OVERFLOW)
            series = found.get(key)
        if series is None:
            known = self._known.get(key)
            series = found[key] = Observed(attributes, time_ns() if known is None else known.start_ns)
        series.value = observation.value if self._is_gauge else series.value + observation.value
        series.exemplar = self._filter.keep(series.value, observation.context) or series.exemplar


def _bounded(all_series: dict[Key, T], current: dict[Key, T], limit: int) -> dict[Key, T]:
    """Return what is known of all series; beyond the limit, of the current ones."""
    return all_series if len(all_series) <= limit else current


class EngineObservableCounter(ObservableCounter):
    """Observable counter."""

    def __init__(self, *_: Any) -> None:
        """Create it; its meter keeps the callbacks."""


class EngineObservableUpDownCounter(ObservableUpDownCounter):
    """Observable up-down counter."""

    def __init__(self, *_: Any) -> None:
        """Create it; its meter keeps the callbacks."""


class EngineObservableGauge(ObservableGauge):
    """Observable gauge."""

    def __init__(self, *_: Any) -> None:
        """Create it; its meter keeps the callbacks."""
