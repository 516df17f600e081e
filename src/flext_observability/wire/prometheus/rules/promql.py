"""FlextAlertRule and the instrument of its metric → expression of PromQL that has a sample while the condition holds.

Measures cover a window of time, as ``rate()`` does. The library measures between two evaluations: a count is scaled to
that time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from flext_observability.values.dataclass import dataclass
from flext_observability.values.encoding import pairs_of
from flext_observability.values.foreign import read_all
from flext_observability.wire.prometheus.names import label_name, label_value, metric_name

if TYPE_CHECKING:
    from flext_observability.domain.alert_rule import FlextAlertRule
    from flext_observability.domain.declaration import DeclaredInstrument

PROCESS_LABELS: Final = ("job", "instance")
"""Labels of the process of a series, pushed or scraped."""
_AGGREGATIONS: Final = {"sum": "sum", "max": "max", "min": "min", "mean": "avg"}
_QUANTILES: Final = {"p50": "0.5", "p90": "0.9", "p95": "0.95", "p99": "0.99"}
_REGEX_SYNTAX: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_NOT_PRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_KNOWN_SECONDS: Final = 86_400
"""Time for which a group without measurements is known, after which its alert is resolved."""


@dataclass(frozen=True, slots=True)
class QueryScope:
    """Which series a rule reads, and how.

    Attributes:
        service_name: Value of the label ``service_name``; empty for all services.
        window_seconds: Range of ``rate()`` and similar functions.
        evaluation_seconds: Interval of the library's evaluation, to which a count refers.
        across_processes: Whether ``combine`` combines the series of all processes instead of those of each.
        native_histograms: Whether histograms are native ones.
    """

    service_name: str = ""
    window_seconds: float = 60.0
    evaluation_seconds: float = 15.0
    across_processes: bool = False
    native_histograms: bool = False


def expression(rule: FlextAlertRule, instrument: DeclaredInstrument, scope: QueryScope) -> str:
    """Return the expression of a valid rule whose measure the instrument has."""
    query = _Query(rule, instrument, scope)
    if rule.condition == "absent":
        return query.absent()
    number = query.combined(query.number())
    operator = ">" if rule.condition == "above" else "<"
    return f"{number} {operator} {_number(rule.threshold)}"


def duration(seconds: float) -> str:
    """Return a duration of Prometheus: ``90s``, ``5m``, ``1500ms``."""
    milliseconds = max(round(seconds * 1000), 1) if seconds else 0
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def quote(text: str) -> str:
    """Return a string literal of PromQL, printable and on one line."""
    return escape_unprintable(json.dumps(text, ensure_ascii=False))


def escape_unprintable(text: str) -> str:
    """Escape the characters that a quoted text of YAML, Go and PromQL must not have, and that JSON leaves."""
    return _NOT_PRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def matchers(rule: FlextAlertRule, service_name: str) -> str:
    """Return the matchers of the series of a rule, in braces; empty for none."""
    found = [f"service_name={quote(service_name)}"] if service_name else []
    for name, allowed in pairs_of(rule.attributes):
        values = [_text(each) for each in _as_list(allowed)]
        if len(values) == 1:
            found.append(f"{label_name(name)}={quote(values[0])}")
        else:
            found.append(f"{label_name(name)}=~{quote('|'.join(map(_escape_regex, values)))}")
    return f"{{{','.join(found)}}}" if found else ""


class _Query:
    """Parts of the expression of one rule."""

    def __init__(self, rule: FlextAlertRule, instrument: DeclaredInstrument, scope: QueryScope) -> None:
        self._rule = rule
        self._kind = instrument.kind
        self._scope = scope
        self._window = duration(scope.window_seconds)
        kind = "gauge" if instrument.kind == "up_down_counter" else instrument.kind
        self._name = metric_name(instrument.name, instrument.unit, kind, ratio=instrument.kind == "gauge")
        self._matchers = matchers(rule, scope.service_name)

    def number(self) -> str:
        """Return the measured number of each series."""
        measure = self._rule.measure
        if measure == "value":
            return self._series()
        if measure == "rate":
            return self._per_second()
        if measure == "count":
            return self._count()
        if self._scope.native_histograms:
            ranged = f"rate({self._series()}[{self._window}])"
            return f"histogram_avg({ranged})" if measure == "mean" else _quantile(measure, ranged)
        if measure == "mean":
            return f"rate({self._series('_sum')}[{self._window}]) / rate({self._series('_count')}[{self._window}])"
        return _quantile(measure, f"rate({self._series('_bucket')}[{self._window}])")

    def combined(self, number: str) -> str:
        """Return one number for each group of the rule, or the numbers of all series."""
        if not self._rule.combine:
            return number
        if self._rule.combine in {"sum", "mean"} and self._rule.measure not in {"value", "rate", "count"}:
            number = f"{number} > -Inf"  # without new measurements the number is NaN
        return f"{_AGGREGATIONS[self._rule.combine]}{self._by()} ({number})"

    def absent(self) -> str:
        """Return an expression with a sample for each group that was not measured for the time of the rule."""
        time = duration(max(self._rule.threshold, 0.001))  # a range must not be empty
        series = self._series("_count") if self._has_classic_buckets else self._series()
        labels = [label_name(name) for name in read_all(self._rule.by)]
        if self._kind == "gauge":
            if not labels:
                return f"absent_over_time({series}[{time}])"
            measured = f"last_over_time({series}[{time}])"
        else:
            measured = self._changed(series, time)
            if not labels:
                return f"absent({measured})"
        groups = f"group by ({', '.join(labels)})"
        known = self._series("_count") if self._has_classic_buckets else self._series()
        period = duration(self._rule.threshold + _KNOWN_SECONDS)
        return f"{groups} (last_over_time({known}[{period}])) unless {groups} ({measured})"

    @property
    def _has_classic_buckets(self) -> bool:
        return self._kind == "histogram" and not self._scope.native_histograms

    def _series(self, suffix: str = "") -> str:
        return f"{self._name}{suffix}{self._matchers}"

    def _changed(self, series: str, time: str) -> str:
        """Return an expression with a sample for each series that changed or appeared within a time."""
        latest, earlier = f"last_over_time({series}[{time}])", f"{series} offset {time}"
        changes = f"changes({series}[{time}]) > 0"  # also of a series that has its former value again
        if self._kind == "histogram" and not self._has_classic_buckets:
            latest, earlier = f"histogram_count({latest})", f"histogram_count({earlier})"
        return f"(({changes}) or ({latest} != {earlier}) or ({latest} unless {earlier}))"

    def _per_second(self) -> str:
        if self._kind == "histogram":
            if self._scope.native_histograms:
                return f"histogram_count(rate({self._series()}[{self._window}]))"
            return f"rate({self._series('_count')}[{self._window}])"
        if self._kind == "counter":
            return f"rate({self._series()}[{self._window}])"
        return f"delta({self._series()}[{self._window}]) / {_number(self._scope.window_seconds)}"

    def _count(self) -> str:
        return f"{self._per_second()} * {_number(self._scope.evaluation_seconds)}"

    def _by(self) -> str:
        process = () if self._scope.across_processes else PROCESS_LABELS
        labels = [*process, *(label_name(name) for name in read_all(self._rule.by))]
        return f" by ({', '.join(labels)})" if labels else ""


def _quantile(measure: str, ranged: str) -> str:
    return f"histogram_quantile({_QUANTILES[measure]}, {ranged})"


def _as_list(value: object) -> list[object]:
    return read_all(cast("Sequence[object]", value)) if issubclass(type(value), list | tuple) else [value]


def _text(value: object) -> str:
    return value if type(value) is str else label_value(value)


def _escape_regex(text: str) -> str:
    return _REGEX_SYNTAX.sub(lambda found: f"\\{found[0]}", text)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
