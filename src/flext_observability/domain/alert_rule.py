"""FlextAlertRule: a condition on a metric that raises an alert (standard library only)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from math import nan
from string import Formatter
from typing import Final, Literal, cast, final, get_args

from flext_observability.domain.guard import contained
from flext_observability.domain.result import FlextResult
from flext_observability.domain.rules import Violation, invalid_choice, is_number, to_result
from flext_observability.values.encoding import encode_tag, is_container, pairs_of, preview
from flext_observability.values.exceptions import describe_error
from flext_observability.values.foreign import copy_mapping, is_mapping, is_one_of, read_all
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.names import ALERT_SEVERITIES

Measure = Literal["value", "rate", "count", "mean", "p50", "p90", "p95", "p99"]
Combine = Literal["", "sum", "max", "min", "mean"]
MEASURES: Final[tuple[str, ...]] = get_args(Measure)
COMBINATIONS: Final[tuple[str, ...]] = get_args(Combine)
PLACEHOLDERS: Final = ("name", "metric", "value", "threshold", "attributes")
_NUMBERS: Final = ("value", "threshold")
_NUMBER_FORMAT: Final = re.compile(r"[+ ]?,?(\.\d{1,2})?[efg%]?")
_MAX_TEXT_LENGTH: Final = 255
_MAX_MESSAGE_LENGTH: Final = 8192
_TEMPLATES: Final = {
    "above": "{metric}{attributes} is {value}, above {threshold}",
    "below": "{metric}{attributes} is {value}, below {threshold}",
    "absent": "{metric}{attributes} was last measured {value} seconds ago, more than {threshold}",
}


@final
@dataclass(frozen=True, slots=True)
class FlextAlertRule:
    """One condition on one metric. Each matching series raises its own alert.

    The constructor accepts any values. The alert service and the monitor validate the rule when they add it.

    Attributes:
        name: Name of the rule and its alerts; unique among the rules.
        metric: Name of the metric, such as ``system.cpu.utilization``. Any kind of instrument.
        above: Raise the alert when the measured value is greater than this number. Exactly one of ``above``, ``below``
            and ``absent_seconds`` is required.
        below: Raise the alert when the measured value is less than this number.
        absent_seconds: Raise the alert when there was no measurement for this time, in seconds.
        measure: The measured value: ``value`` (gauges and sums), ``rate`` (per second), ``count`` (increase of a sum,
            number of measurements of a histogram), ``mean``, ``p50``, ``p90``, ``p95`` or ``p99`` (histograms). All but
            ``value`` cover the time since the previous evaluation.
        attributes: Attributes of the matching series, compared as text. A tuple matches each of its values.
        combine: Combine the series with ``sum``, ``max``, ``min`` or ``mean``. Empty: evaluate each series on its own.
        by: Names of the attributes to group by, with ``combine`` or ``absent_seconds``.
        for_seconds: Time during which the condition must hold before the alert is raised, in seconds.
        keep_firing_seconds: Time for which the alert stays active after the condition has cleared, in seconds. It
            prevents flapping.
        severity: ``info``, ``warning``, ``error`` or ``critical``.
        message: Text with ``{name}``, ``{metric}``, ``{value}``, ``{threshold}`` and ``{attributes}``. Numbers accept a
            format: ``{value:.1%}``.
    """

    name: str
    _: KW_ONLY
    metric: str
    above: float | None = None
    below: float | None = None
    absent_seconds: float | None = None
    measure: Measure = "value"
    attributes: Mapping[str, object] = field(default_factory=dict[str, object])
    combine: Combine = ""
    by: Sequence[str] = ()
    for_seconds: float = 0.0
    keep_firing_seconds: float = 0.0
    severity: str = "warning"
    message: str = ""

    @property
    def condition(self) -> Literal["above", "below", "absent"]:
        """Kind of the condition."""
        return "above" if self.above is not None else "below" if self.below is not None else "absent"

    @property
    @contained(lambda: nan)
    def threshold(self) -> float:
        """Limit of the condition; for ``absent``, in seconds. NaN for an invalid rule."""
        return next((float(each) for each in (self.above, self.below, self.absent_seconds) if each is not None), nan)

    def validate_business_rules(self) -> FlextResult[None]:
        """Check the rule.

        Returns:
            Success, or the failure ``invalid_alert_rule`` for the first violation.
        """
        try:
            violation = next(filter(None, (check(self) for check in _CHECKS)), None)
        except BaseException as error:  # noqa: BLE001 - foreign texts and mappings
            reraise_interrupt(error)
            violation = _invalid("fields", describe_error(error), "Use str, float, dict and tuple")
        return to_result(violation, "alert_rule")

    @contained(dict)
    def attribute_filter(self) -> dict[str, tuple[str, ...]]:
        """Return the attributes of matching series: names and allowed values, as text."""
        return {encode_tag(name): tuple(map(encode_tag, _as_tuple(value))) for name, value in pairs_of(self.attributes)}

    @contained(str)
    def format_message(self, value: float | None, labels: Mapping[str, str]) -> str:
        """Return the alert's message for a value and the labels of a series."""
        pairs = ", ".join(f"{name}={label}" for name, label in pairs_of(labels))
        values = {
            "name": self.name,
            "metric": self.metric,
            "value": _Number(0.0 if value is None else value),
            "threshold": _Number(self.threshold),
            "attributes": f"{{{pairs}}}" if pairs else "",
        }
        duration = f" for {self.for_seconds:g} seconds" if self.for_seconds else ""
        return (self.message or _TEMPLATES[self.condition] + duration).format(**values)


class _Number(float):
    """A float with a short default format: 0.8, 300, 1e+09."""

    __slots__ = ()

    def __format__(self, format_spec: str) -> str:
        return format(float(self), format_spec or ".6g")


def _as_tuple(value: object) -> tuple[object, ...]:
    return tuple(read_all(cast("Sequence[object]", value))) if issubclass(type(value), list | tuple) else (value,)


def _invalid(field_name: str, value: object, fix: str) -> Violation:
    return Violation(f"alert rule {field_name}", preview(value), fix)


def _check_names(rule: FlextAlertRule) -> Violation | None:
    for what, value, fix in (
        ("name", rule.name, "Name the problem"),
        ("metric", rule.metric, "Use the name of the metric"),
    ):
        if type(value) is not str or not value.strip() or len(value) > _MAX_TEXT_LENGTH:
            return _invalid(what, value, f"{fix}, in 1 to {_MAX_TEXT_LENGTH} characters")
    return None


def _check_condition(rule: FlextAlertRule) -> Violation | None:
    given = {
        name: value
        for name in ("above", "below", "absent_seconds")
        if (value := cast("object", getattr(rule, name))) is not None
    }
    if len(given) != 1:
        return Violation(
            "alert rule condition", " and ".join(given) or "none", "Use exactly one of above, below and absent_seconds"
        )
    ((name, value),) = given.items()
    if not is_number(value, minimum=0 if name == "absent_seconds" else None):
        unit = " of seconds, 0 or more" if name == "absent_seconds" else ""
        return _invalid(name, value, f"Use a finite number{unit}")
    return None


def _check_choices(rule: FlextAlertRule) -> Violation | None:
    for what, value, allowed in (
        ("measure", rule.measure, MEASURES),
        ("severity", rule.severity, ALERT_SEVERITIES),
        ("combine", rule.combine, COMBINATIONS),
    ):
        if not is_one_of(value, allowed):
            return invalid_choice(f"alert rule {what}", value, filter(None, allowed))
    return None


def _check_durations(rule: FlextAlertRule) -> Violation | None:
    for name, value in (("for_seconds", rule.for_seconds), ("keep_firing_seconds", rule.keep_firing_seconds)):
        if not is_number(value, minimum=0):
            return _invalid(name, value, "Use a finite number of seconds, 0 or more")
    return None


def _check_series(rule: FlextAlertRule) -> Violation | None:
    attributes, by = cast("object", rule.attributes), cast("object", rule.by)
    if not is_mapping(attributes):
        return _invalid("attributes", attributes, "Use a mapping of names and values")
    for name, value in copy_mapping(attributes).items():
        if type(name) is not str or not _as_tuple(value) or any(map(is_container, _as_tuple(value))):
            return _invalid("attributes", {name: value}, "Use a scalar or a tuple of scalars for each name")
    if not issubclass(type(by), list | tuple) or any(type(name) is not str for name in _as_tuple(by)):
        return _invalid("by", rule.by, "Use a tuple of attribute names")
    if _as_tuple(by) and not rule.combine and rule.condition != "absent":
        return Violation(
            "alert rule by", f"{preview(rule.by)} without combine", "Add combine='sum', 'max', 'min' or 'mean'"
        )
    return None


def _check_message(rule: FlextAlertRule) -> Violation | None:
    if type(rule.message) is not str or len(rule.message) > _MAX_MESSAGE_LENGTH:
        return _invalid("message", rule.message, f"Use text of at most {_MAX_MESSAGE_LENGTH} characters")
    try:
        parts = list(Formatter().parse(rule.message))
    except ValueError as error:
        return Violation("alert rule message", str(error), "Write a literal brace twice")
    for _, placeholder, format_spec, conversion in parts:
        if placeholder is not None and (placeholder not in PLACEHOLDERS or conversion):
            allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            return Violation("alert rule message", f"unknown placeholder {preview(placeholder)}", f"Use {allowed}")
        if format_spec and (placeholder not in _NUMBERS or _NUMBER_FORMAT.fullmatch(format_spec) is None):
            return Violation(
                "alert rule message",
                f"unknown format {preview(format_spec)}",
                "Use a format such as {value:.2f} or {value:.1%}",
            )
    return None


_CHECKS: Final = (_check_names, _check_condition, _check_choices, _check_durations, _check_series, _check_message)
