"""Metric, threshold and durations → FlextAlertRule, a condition that raises an alert (standard library only)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from math import isfinite
from string import Formatter
from typing import Final, Literal, TypeGuard, cast, final, get_args

from flext_observability.domain.result import FlextResult
from flext_observability.values.encoding import encode_tag, is_container, preview
from flext_observability.values.names import ALERT_SEVERITIES

Measure = Literal["value", "rate", "count", "mean", "p50", "p90", "p95", "p99"]
Combine = Literal["", "sum", "max", "min", "mean"]
MEASURES: Final[tuple[str, ...]] = get_args(Measure)
COMBINATIONS: Final[tuple[str, ...]] = get_args(Combine)
PLACEHOLDERS: Final = ("name", "metric", "value", "threshold", "attributes")
_NUMBERS: Final = ("value", "threshold")
_NUMBER_FORMAT: Final = re.compile(r"[+ ]?,?(\.\d{1,2})?[efg%]?")
_MAX_TEXT: Final = 255
_MAX_MESSAGE: Final = 8192
_TEMPLATES: Final = {
    "above": "{metric}{attributes} is {value}, above {threshold}",
    "below": "{metric}{attributes} is {value}, below {threshold}",
    "absent": "{metric}{attributes} was last measured {value} seconds ago, more than {threshold}",
}


@final
@dataclass(frozen=True, slots=True)
class FlextAlertRule:
    """One condition over one metric; each series that meets it becomes an alert of its own.

    A rule that breaks a rule can be built; whoever takes it (the alert service, the monitor) says what is wrong.

    Attributes:
        name: Name of the alert, and of the rule: one rule for each name.
        metric: Name of the metric as it was recorded (``system.cpu.utilization``), any kind of instrument.
        above: The condition: the measured number is greater than this. Exactly one of ``above``, ``below``, ``absent_seconds``.
        below: The condition: it is less than this.
        absent_seconds: The condition: nothing was measured for so many seconds.
        measure: What is compared: ``value`` (gauges and sums), ``rate`` (per second), ``count`` (how much was added; histograms: how many
            measurements), ``mean``, ``p50``, ``p90``, ``p95``, ``p99`` (histograms). All but ``value`` speak of the time since the last look.
        attributes: Only series with these attributes, compared as text; several values in a tuple mean one of them.
        combine: ``sum``, ``max``, ``min`` or ``mean`` across the series; empty: each series by itself.
        by: With ``combine`` or ``absent_seconds``: names of the attributes that stay apart.
        for_seconds: How long the condition must hold before the alert is raised, in seconds.
        keep_firing_seconds: How long an alert stays after the condition is gone, in seconds, so that it does not flap.
        severity: ``info``, ``warning``, ``error`` or ``critical``.
        message: Text with ``{name}``, ``{metric}``, ``{value}``, ``{threshold}``, ``{attributes}``; numbers take a format: ``{value:.1%}``.
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
        """Which condition the rule has."""
        return "above" if self.above is not None else "below" if self.below is not None else "absent"

    @property
    def threshold(self) -> float:
        """The number of the condition; seconds when it is absence."""
        return next(float(each) for each in (self.above, self.below, self.absent_seconds) if each is not None)

    def validate_business_rules(self) -> FlextResult[None]:
        """Check the rule.

        Returns:
            Success, or a failure with the code ``invalid_alert_rule``: what is wrong first, and what is allowed.
        """
        broken = next(filter(None, (check(self) for check in _CHECKS)), "")
        return FlextResult[None].fail(broken, code="invalid_alert_rule") if broken else FlextResult.ok(None)

    def attribute_filter(self) -> dict[str, tuple[str, ...]]:
        """Return the attributes that a series must have: name to the values allowed, as text."""
        return {name: tuple(map(encode_tag, _as_tuple(value))) for name, value in self.attributes.items()}

    def format_message(self, value: float | None, labels: Mapping[str, str]) -> str:
        """Return the message for a value and the labels of a series."""
        pairs = ", ".join(f"{name}={label}" for name, label in labels.items())
        facts = {
            "name": self.name,
            "metric": self.metric,
            "value": _Number(0.0 if value is None else value),
            "threshold": _Number(self.threshold),
            "attributes": f"{{{pairs}}}" if pairs else "",
        }
        held = f" for {self.for_seconds:g} seconds" if self.for_seconds else ""
        return (self.message or _TEMPLATES[self.condition] + held).format(**facts)


class _Number(float):
    """A float whose plain form is short: 0.8, 300, 1e+09."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return format(float(self), form or ".6g")


def _as_tuple(value: object) -> tuple[object, ...]:
    return tuple(cast("Sequence[object]", value)) if isinstance(value, list | tuple) else (value,)


def is_number(value: object, *, minimum: float | None = None) -> TypeGuard[float]:
    """Whether a value is a finite number, and not less than ``minimum``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return isfinite(value) and (minimum is None or value >= minimum)
    except OverflowError:
        return False


def _check_names(rule: FlextAlertRule) -> str:
    for what, value, hint in (
        ("name", rule.name, "say what the alert is about"),
        ("metric", rule.metric, "give the name that the metric was recorded under"),
    ):
        if type(value) is not str or not value.strip() or len(value) > _MAX_TEXT:
            return f"Invalid alert rule {what}: {preview(value)}; {hint}, in 1 to {_MAX_TEXT} characters"
    return ""


def _check_condition(rule: FlextAlertRule) -> str:
    given = {
        name: value
        for name in ("above", "below", "absent_seconds")
        if (value := cast("object", getattr(rule, name))) is not None
    }
    if len(given) != 1:
        return (
            f"Invalid alert rule condition: {' and '.join(given) or 'there is none'}; "
            "give exactly one of above, below, absent_seconds"
        )
    ((name, value),) = given.items()
    if not is_number(value, minimum=0 if name == "absent_seconds" else None):
        return f"Invalid alert rule {name}: {preview(value)}; give a finite number" + (
            " of seconds, 0 or more" if name == "absent_seconds" else ""
        )
    return ""


def _check_words(rule: FlextAlertRule) -> str:
    for what, value, allowed in (
        ("measure", rule.measure, MEASURES),
        ("severity", rule.severity, ALERT_SEVERITIES),
        ("combine", rule.combine, COMBINATIONS),
    ):
        if value not in allowed:
            return f"Invalid alert rule {what}: {preview(value)}; use one of {', '.join(filter(None, allowed))}"
    return ""


def _check_durations(rule: FlextAlertRule) -> str:
    for name, value in (("for_seconds", rule.for_seconds), ("keep_firing_seconds", rule.keep_firing_seconds)):
        if not is_number(value, minimum=0):
            return f"Invalid alert rule {name}: {preview(value)}; give a finite number of seconds, 0 or more"
    return ""


def _check_series(rule: FlextAlertRule) -> str:
    attributes, by = cast("object", rule.attributes), cast("object", rule.by)
    if not isinstance(attributes, Mapping):
        return f"Invalid alert rule attributes: {preview(rule.attributes)}; map names to values"
    for name, value in cast("Mapping[object, object]", attributes).items():
        if type(name) is not str or not _as_tuple(value) or any(map(is_container, _as_tuple(value))):
            return f"Invalid alert rule attributes: {preview({name: value})}; map a name to a scalar, or to a tuple of them"
    if not isinstance(by, list | tuple) or any(type(name) is not str for name in cast("Sequence[object]", by)):
        return f"Invalid alert rule by: {preview(rule.by)}; give a tuple of attribute names"
    if by and not rule.combine and rule.condition != "absent":
        return f"Invalid alert rule by: {preview(rule.by)} without combine; give combine='sum', 'max', 'min' or 'mean'"
    return ""


def _check_message(rule: FlextAlertRule) -> str:
    if type(rule.message) is not str or len(rule.message) > _MAX_MESSAGE:
        return f"Invalid alert rule message: {preview(rule.message)}; give text of {_MAX_MESSAGE} characters at most"
    try:
        parts = list(Formatter().parse(rule.message))
    except ValueError as error:
        return f"Invalid alert rule message: {error}; write a literal brace twice"
    for _, placeholder, form, conversion in parts:
        if placeholder is not None and (placeholder not in PLACEHOLDERS or conversion):
            allowed = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            return f"Invalid alert rule message: {preview(placeholder)} is no placeholder; use {allowed}"
        if form and (placeholder not in _NUMBERS or _NUMBER_FORMAT.fullmatch(form) is None):
            return f"Invalid alert rule message: the format {preview(form)}; use one such as {{value:.2f}} or {{value:.1%}}"
    return ""


_CHECKS: Final = (_check_names, _check_condition, _check_words, _check_durations, _check_series, _check_message)
