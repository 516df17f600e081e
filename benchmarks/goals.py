"""Goals G1–G20: what is compared with what, the floor, and the stretch value that a prototype reached."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import Final, Literal

_SPACED: Final = frozenset({"%", "ms", "µs"})
Unit = Literal["×", "%", "ms", "µs", ""]


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the results.

    Attributes:
        key: Name of the goal and of its part, such as ``G2 async``.
        what: What is measured.
        against: What it is compared with; the other side is measured in the same run.
        floor: Value that must be met; infinite if there is only a stretch value.
        stretch: Value that a prototype reached.
        unit: Unit of the values; ``×`` for ratios.
        at_most: Whether smaller values are better.
        lean_only: Whether the goal concerns the engine of this library only.
    """

    key: str
    what: str
    against: str
    floor: float
    stretch: float
    unit: Unit = "×"
    at_most: bool = False
    lean_only: bool = True

    @property
    def number(self) -> int:
        """Number of the goal."""
        return int(self.key.split()[0][1:])

    def verdict(self, value: float) -> str:
        """Return ``stretch`` or ``yes`` if the value meets that bound, else ``no``; a dash without a floor."""
        if self._meets(value, self.stretch):
            return "stretch"
        if not isfinite(self.floor):
            return "–"
        return "yes" if self._meets(value, self.floor) else "no"

    def show(self, value: float) -> str:
        """Return a value with its unit."""
        digits = 0 if self.unit == "" and value == int(value) else 1 if self.unit in {"%", "ms"} else 2
        return f"{value:.{digits}f}{' ' if self.unit in _SPACED else ''}{self.unit}"

    def bound(self, value: float) -> str:
        """Return a floor or a stretch value with its direction."""
        if not isfinite(value):
            return "–"
        return f"{'≤' if self.at_most else '≥'} {value:g}{' ' if self.unit in _SPACED else ''}{self.unit}"

    def _meets(self, value: float, bound: float) -> bool:
        return value <= bound if self.at_most else value >= bound


def _less(  # noqa: PLR0913 - the columns of the table
    key: str, what: str, against: str, floor: float, stretch: float, unit: Unit = "×", *, any_engine: bool = False
) -> Goal:
    return Goal(key, what, against, floor, stretch, unit, at_most=True, lean_only=not any_engine)


_HANDLER = "handler of opentelemetry-instrumentation-logging"
_CLIENT = "prometheus_client, bound child"

GOALS: Final = (
    Goal("G1 traced", "recorded span, 3 attributes, `with traced(…)`", "SDK, batch processor", 4.0, 6.4),
    Goal("G1 tracer", "the same through a tracer of OpenTelemetry's API", "SDK, batch processor", 4.0, 6.4),
    Goal("G2 sync", "call of a decorated function", "SDK decorator", 4.2, 5.8),
    Goal("G2 async", "call of a decorated coroutine function", "SDK decorator", 4.0, 5.4),
    Goal("G3", "span that is not sampled", "SDK", 3.0, 3.8),
    Goal("G4 logfire", "recorded span, 3 attributes", "logfire", 15.0, 23.0),
    Goal("G4 ddtrace", "recorded span, 3 attributes", "ddtrace", 3.5, 5.0),
    Goal("G4 sentry", "recorded span, 3 attributes", "Sentry child span", 4.5, 6.0),
    Goal("G5", "recorded span, engine off", "SDK", 1.12, 1.2, lean_only=False),
    Goal("G6 few", "OTLP encoding, spans, few distinct values", "stock encoder", 8.0, 11.0, lean_only=False),
    Goal("G6 http", "OTLP encoding, spans of HTTP requests, cold", "stock encoder", 5.5, 7.8, lean_only=False),
    Goal("G6 unique", "OTLP encoding, spans, all values distinct", "stock encoder", 3.5, 5.0, lean_only=False),
    Goal("G7 logs", "OTLP encoding, log records", "stock encoder", 4.5, 6.0, lean_only=False),
    Goal("G7 metrics", "OTLP encoding, metric points", "stock encoder", 3.5, 4.7, lean_only=False),
    Goal("G8 counter", "bound counter", _CLIENT, 2.0, 2.9),
    Goal("G8 histogram", "bound histogram", _CLIENT, 2.5, 3.9),
    Goal("G9 counter", "unbound counter, 3 attributes", "SDK, one reader", 7.0, 10.0),
    Goal("G9 histogram", "unbound histogram, 3 attributes", "SDK, one reader", 7.0, 9.0),
    _less("G10", "extra cost of a measurement when Prometheus is added to OTLP", "OTLP alone", 5.0, 0.0, "%"),
    Goal("G11", "`/metrics`, 2300 samples", "Prometheus exporter of the SDK", 6.0, 12.0),
    _less("G12 time", "`import flext_observability`", "bare Python", 5.0, 1.0, "ms", any_engine=True),
    _less("G12 modules", "heavy modules loaded by the import", "bare Python", 0.0, 0.0, "", any_engine=True),
    _less("G13 start", "start of three signals over OTLP/HTTP", "stock set-up", 0.60, 0.46, any_engine=True),
    _less("G13 first", "from the import to the receipt of the first span", "–", 200.0, 150.0, "ms", any_engine=True),
    Goal("G14 tight", "CPU of 100 000 delivered spans, tight loop", "stock pipeline", 5.0, 7.0),
    Goal("G14 paced", "CPU of 100 000 delivered spans, 5 000/s", "stock pipeline", 4.0, 5.0),
    _less("G15 20000", "spans lost at 20 000/s, default queue", "stock pipeline", 0.0, 0.0, ""),
    _less("G15 40000", "spans lost at 40 000/s, default queue", "stock pipeline", inf, 0.0, ""),
    _less("G16 bytes", "memory of a queued span", "stock pipeline", 0.35, 0.26),
    _less("G16 objects", "objects of a queued span that the garbage collector tracks", "–", 3.0, 2.0, ""),
    _less("G17", "cost of a span while the queue is full", "its normal cost", 1.15, 0.95),
    Goal("G18 total", "`logger.info` → queue", _HANDLER, 2.2, 2.8),
    Goal("G18 net", "the same without the cost of `logging` itself", _HANDLER, 4.0, 5.7),
    Goal("G19", "client CPU of a 50 KB POST", "`requests.Session`", 3.5, 5.0, lean_only=False),
    _less("G20 span", "search for secrets in a span, 3 plain attributes", "–", 1.0, 0.5, "µs", any_engine=False),
    _less("G20 unique", "the same with a distinct id in each span", "–", 3.0, 1.0, "µs", any_engine=False),
    _less("G20 record", "search for secrets in a log record, distinct text", "–", 10.0, 4.0, "µs", any_engine=False),
    _less("G20 secret", "span with a password among 3 attributes", "–", 60.0, 30.0, "µs", any_engine=False),
)
BY_KEY: Final = {goal.key: goal for goal in GOALS}
