"""Query with `$variables` and macros + values → query for a back end."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from monitoring.tester.model import Scope

REFERENCE: Final = re.compile(
    r"\$(?P<plain>[A-Za-z_]\w*)|\$\{(?P<name>[A-Za-z_]\w*)(?:\.[\w.\[\]\"]+)?(?::(?P<format>[^}]+))?\}"
)
"""`$name`, `${name}`, `${name.field}` or `${name:format}`. `$1` of a regular expression is none."""

ALL: Final = "$__all"
_REGEXP_SPECIAL: Final = re.compile(r"[\\^$*+?.()|{}\[\]/]")
_IN_LIST: Final = re.compile(r"in\(\s*$")


class UnknownVariableError(Exception):
    """The query refers to a variable that the dashboard does not have."""


@dataclass(frozen=True, slots=True)
class Value:
    """Value of a template variable.

    Attributes:
        values: The selected values.
        is_multiple: Whether the variable may have several values, which decides the default format.
        all_value: Text for all values, or empty.
        is_all: Whether all values are selected.
    """

    values: tuple[str, ...]
    is_multiple: bool = False
    all_value: str = ""
    is_all: bool = False


def interpolate(text: str, values: Mapping[str, Value], scope: Scope, *, now: float, is_logsql: bool = False) -> str:
    """Return a query without variables and macros.

    Raises:
        UnknownVariableError: A variable has no value.
    """
    fixed = _macros(scope, now)

    def replacement(match: re.Match[str]) -> str:
        name = match["plain"] or match["name"]
        if name in fixed:
            return fixed[name]
        if name not in values:
            raise UnknownVariableError(
                f"variable ${name} is not defined. Add it to the dashboard, or correct its name."
            )
        is_list = is_logsql and bool(_IN_LIST.search(text[: match.start()]))
        return _formatted(values[name], match["format"] or ("list" if is_list else ""), is_logsql=is_logsql)

    return REFERENCE.sub(replacement, text)


def seconds(duration: str, scope: Scope) -> float:
    """Parse a duration of Grafana, such as `30s`, `now-6h` or `$__rate_interval`; 0 if it is empty."""
    text = duration.removeprefix("now-").strip().lstrip(">")
    if not text:
        return 0.0
    if text == "$__rate_interval":
        return scope.rate_seconds
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|[smhdw])", text)
    if match is None:
        raise ValueError(f"invalid duration {duration!r}")
    return float(match[1]) * units[match[2]]


def _macros(scope: Scope, now: float) -> dict[str, str]:
    step, length = scope.step_seconds, scope.range_seconds
    return {
        "__interval": f"{step:.0f}s",
        "__interval_ms": f"{step * 1000:.0f}",
        "__rate_interval": f"{scope.rate_seconds:.0f}s",
        "__rate_interval_ms": f"{scope.rate_seconds * 1000:.0f}",
        "__range": f"{length:.0f}s",
        "__range_s": f"{length:.0f}",
        "__range_ms": f"{length * 1000:.0f}",
        "__from": f"{(now - length) * 1000:.0f}",
        "__to": f"{now * 1000:.0f}",
        "__dashboard": scope.dashboard,
    }


def _formatted(value: Value, style: str, *, is_logsql: bool) -> str:
    if style == "list":  # `field:in(...)` of LogsQL
        return "*" if value.is_all else _joined(value.values, "doublequote")
    if value.is_all and value.all_value:
        return value.all_value
    if style not in {"", "regex"}:
        return _joined(value.values, style)
    if value.is_multiple or style == "regex":
        escaped = [_REGEXP_SPECIAL.sub(r"\\\\\g<0>", one) for one in value.values]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"
    only = value.values[0] if value.values else ""
    return only if is_logsql else only.replace("\\", "\\\\").replace('"', '\\"')


def _joined(values: Sequence[str], style: str) -> str:
    if style == "doublequote":
        return ",".join(json.dumps(one) for one in values)
    if style == "singlequote":
        return ",".join(f"'{one}'" for one in values)
    return ("|" if style == "pipe" else ",").join(values)
