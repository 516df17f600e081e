"""Arguments of `register_check` → a RegisteredCheck, or a failure that names the invalid argument."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypedDict, cast

from flext_observability.domain.health_report import PROBES
from flext_observability.domain.result import FlextResult
from flext_observability.domain.rules import Violation, check_name, is_number, to_result
from flext_observability.services.health.check import RegisteredCheck
from flext_observability.values.encoding import preview
from flext_observability.values.foreign import is_a, is_one_of, plain_number, plain_text, read_all

_MIN_SECONDS: Final = 1e-9
_DURATIONS: Final = (
    ("timeout_seconds", "timeout", _MIN_SECONDS),
    ("interval_seconds", "interval", _MIN_SECONDS),
    ("cache_seconds", "cache", 0),
)
_NAME_EXAMPLE: Final = "such as 'database'"


class CheckOptions(TypedDict, total=False):
    """Options of a check; all optional.

    Attributes:
        critical: Whether a failure makes the report unhealthy instead of degraded. Default True.
        timeout_seconds: Time limit of one run, above 0. A check that exceeds it is ``unknown``. Default 5.
        interval_seconds: Time between background runs, above 0. None (default): the check runs on request only.
        cache_seconds: How long a result is returned without another run, 0 or more. Default 1.
        depends_on: Names of other checks. While one of them is ``unhealthy`` or ``unknown``, this check is not run and
            is ``unknown``.
        probes: Probes that include this check, of ``live``, ``ready`` and ``startup``. Default ``("ready",)``. The
            report without a probe includes every check.
    """

    critical: bool
    timeout_seconds: float
    interval_seconds: float | None
    cache_seconds: float
    depends_on: Collection[str]
    probes: Collection[str]


def make_registered(name: str, call: Callable[[], object], given: Mapping[str, Any]) -> FlextResult[RegisteredCheck]:
    """Return the check, or the failure ``invalid_health_check``."""
    for option in given:
        if option not in CheckOptions.__annotations__:
            fix = f"Use {', '.join(CheckOptions.__annotations__)}"
            invalid = to_result(Violation("health check option", preview(option), fix), "health_check")
            return cast("FlextResult[RegisteredCheck]", invalid)
    text = plain_text(name)
    check = RegisteredCheck(name if text is None else text, call, **given)
    check.critical = bool(check.critical)
    check.depends_on, check.probes = _as_tuple(check.depends_on), _as_tuple(check.probes)
    violation = _validate_target(check.name, call) or _validate_options(check)
    return to_result(violation, "health_check").map(lambda _: check)


def find_cycle(check: RegisteredCheck, registered: Mapping[str, RegisteredCheck]) -> str:
    """Return the dependency cycle that a new check closes, an empty text when there is none."""
    paths: list[tuple[str, ...]] = [(check.name, name) for name in check.depends_on]
    seen = set[str]()
    while paths:
        path = paths.pop()
        last = path[-1]
        if last == check.name:
            return " → ".join(path)
        if last not in seen and last in registered:
            seen.add(last)
            paths.extend((*path, name) for name in registered[last].depends_on)
    return ""


def _validate_target(name: object, call: object) -> Violation | None:
    """Return the violation of an invalid name or callable, None when both are valid."""
    if not is_a(name, str):
        return Violation("health check name", preview(name), f"Use text, {_NAME_EXAMPLE}")
    if violation := check_name("health check name", name, f"Name the checked component, {_NAME_EXAMPLE}"):
        return violation
    if not callable(call):
        reason = f"{preview(call)} is not callable"
        return Violation("health check callable", reason, "Pass a function without arguments")
    return None


def _validate_options(check: RegisteredCheck) -> Violation | None:
    for field, label, minimum in _DURATIONS:
        value = cast("object", getattr(check, field))
        if not is_number(value, minimum=minimum) and not (field == "interval_seconds" and value is None):
            fix = f"Use seconds, {'0 or more' if minimum == 0 else 'above 0'}"
            return Violation(f"health check {label}", preview(value), fix)
        setattr(check, field, plain_number(value))  # the scheduler must not call the methods of a subclass
    if not all(is_a(name, str) for name in check.depends_on):
        fix = "Pass the names of other checks, such as ['database']"
        return Violation("health check dependencies", "not a collection of names", fix)
    if not all(is_one_of(probe, PROBES) for probe in check.probes):
        return Violation("health check probes", preview(check.probes), f"Use {', '.join(PROBES)}")
    return None


def _as_tuple(given: object) -> tuple[Any, ...]:
    """Return the items of a collection. Anything else, such as a text, is the only item."""
    if is_a(given, str) or not isinstance(given, Collection):
        return (given,)
    items = read_all(cast("Collection[object]", given))
    return tuple(item if (text := plain_text(item)) is None else text for item in items)
