"""Totals of the load → totals in Jaeger, Prometheus and VictoriaLogs, which must be equal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from monitoring.tester.load import SERVICES, Load
from monitoring.tester.model import Scope
from monitoring.tester.run import BackEnds

_LAST: Final = Scope(range_seconds=1800.0)
_POLL_SECONDS: Final = 1.0
_CALLS: Final = f'traces_span_metrics_calls_total{{service_namespace="shop", service_name=~"{"|".join(SERVICES)}"}}'


@dataclass(frozen=True, slots=True)
class Total:
    """One number at both ends.

    Attributes:
        what: The counted items.
        back_end: Where they were read.
        sent: The number that was sent.
        found: The number in the back end.
    """

    what: str
    back_end: str
    sent: float
    found: float

    @property
    def is_equal(self) -> bool:
        """Whether both numbers are equal. Sums of the prices have no rounding error."""
        return self.sent == self.found


def span_metrics(ends: BackEnds) -> float:
    """Return the number of spans of the shop in the span metrics of the collector, since its start."""
    return ends.prometheus.value(f"sum({_CALLS})", time.time())


def compare(
    load: Load, ends: BackEnds, *, spans_before: float, within_seconds: float, tick: Callable[[], None]
) -> list[Total]:
    """Read the totals until all are equal, or until the time limit.

    Args:
        load: What was sent.
        ends: The back ends.
        spans_before: Result of ``span_metrics`` before the load.
        within_seconds: Time limit.
        tick: Function to call between two readings.
    """
    deadline = time.monotonic() + within_seconds
    while True:
        totals = [*_prometheus(load, ends, spans_before), *_jaeger(load, ends), _logs(load, ends)]
        if all(one.is_equal for one in totals) or time.monotonic() > deadline:
            return totals
        tick()
        time.sleep(_POLL_SECONDS)


def _prometheus(load: Load, ends: BackEnds, spans_before: float) -> list[Total]:
    run = f'service_instance_id=~"{load.run_id}-.+"'
    queries = (
        ("checkouts", load.checkouts, f"sum(shop_checkouts_total{{{run}}})"),
        ("orders sold", load.sold, f'sum(shop_orders_total{{{run}, shop_outcome="sold"}})'),
        ("orders declined", load.declined, f'sum(shop_orders_total{{{run}, shop_outcome="declined"}})'),
        ("revenue (EUR)", load.revenue, f"sum(shop_revenue_total{{{run}}})"),
        ("payments in the histogram", load.checkouts, f"sum(shop_payment_amount_count{{{run}}})"),
        ("errors", load.declined, f'sum(flext_function_calls_total{{{run}, flext_outcome="error"}})'),
    )
    now = time.time()
    own = [Total(what, "Prometheus", sent, ends.prometheus.value(query, now)) for what, sent, query in queries]
    return [*own, Total("spans in span metrics", "Prometheus", load.spans, span_metrics(ends) - spans_before)]


def _jaeger(load: Load, ends: BackEnds) -> list[Total]:
    traces = [ends.jaeger.trace(trace_id) for trace_id in load.traces]
    failing = sum(any(span.is_error for span in trace) for trace in traces)
    return [
        Total("spans", "Jaeger", load.spans, sum(len(trace) for trace in traces)),
        Total("traces", "Jaeger", load.checkouts, sum(bool(trace) for trace in traces)),
        Total("traces with an error", "Jaeger", load.declined, failing),
    ]


def _logs(load: Load, ends: BackEnds) -> Total:
    query = f'"service.instance.id":~"{load.run_id}-" | stats count() records'
    return Total("log records", "VictoriaLogs", load.logs, ends.victorialogs.value(query, _LAST, time.time()))
