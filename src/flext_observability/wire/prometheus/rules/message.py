"""Message of a FlextAlertRule → template of an annotation in Prometheus.

Source: https://prometheus.io/docs/prometheus/latest/configuration/template_reference/
"""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flext_observability.domain.alert_rule import FlextAlertRule

_FORMAT: Final = re.compile(r"([+ ]?),?(?:\.(\d{1,2}))?([efg%]?)")
_DEFAULT_FORMAT: Final = ".6g"
_LABELS: Final = "{{ range $name, $text := $labels }} {{ $name }}={{ $text }}{{ end }}"
_TEXTS: Final = {
    "above": "{metric}{attributes} is {value}, above {threshold}",
    "below": "{metric}{attributes} is {value}, below {threshold}",
    "absent": "{metric}{attributes} was not measured for {threshold} seconds",
}


def summary(rule: FlextAlertRule) -> str:
    """Return the template of the message of a valid rule.

    Labels take the place of attributes. An absent metric has no value, so ``{value}`` is the time without measurement.
    """
    duration = f" for {rule.for_seconds:g} seconds" if rule.for_seconds else ""
    parts = Formatter().parse(rule.message or _TEXTS[rule.condition] + duration)
    return "".join(f"{literal(text)}{_placeholder(rule, name, form or '')}" for text, name, form, _ in parts)


def description(rule: FlextAlertRule) -> str:
    """Return the condition of a rule in words, as a template."""
    if rule.condition == "absent":
        condition = f"no measurement of {rule.metric} for {rule.threshold:g} s"
    else:
        what = rule.metric if rule.measure == "value" else f"{rule.measure} of {rule.metric}"
        combined = f"{rule.combine} of the {what}" if rule.combine else what
        condition = f"{combined} {rule.condition} {rule.threshold:g}"
    by = f" by {', '.join(rule.by)}" if rule.by else ""
    held = f", for {rule.for_seconds:g} s" if rule.for_seconds else ""
    return literal(f"Alert rule {rule.name} of the program: {condition}{by}{held}")


def _placeholder(rule: FlextAlertRule, name: str | None, form: str) -> str:
    if name is None:
        return ""
    if name == "attributes":
        return _LABELS
    if name == "threshold" or (name == "value" and rule.condition == "absent"):
        return literal(format(rule.threshold, form or _DEFAULT_FORMAT))
    if name == "value":
        return _value(form or _DEFAULT_FORMAT)
    return literal(rule.name if name == "name" else rule.metric)


def _value(form: str) -> str:
    """Return the value in a format of Python. Go has no thousands separators, and Prometheus its own percentages."""
    found = _FORMAT.fullmatch(form)
    sign, precision, kind = found.groups() if found else ("", None, "g")
    if kind == "%":
        return "{{ $value | humanizePercentage }}"
    digits = f".{precision}" if precision is not None else ".6" if kind in {"", "g"} else ""
    return f'{{{{ printf "%{sign}{digits}{kind or "g"}" $value }}}}'


def literal(text: str) -> str:
    """Return text in which the template engine finds no action: all labels and annotations are templates."""
    return re.sub(r"[{}]", lambda found: f'{{{{ "{found[0]}" }}}}', text)
