"""Arguments of `register_check` → a RegisteredCheck, or a failure that names the invalid argument."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from math import isfinite
from typing import Any, Final, TypedDict, cast

from flext_observability.domain.health_report import PROBES
from flext_observability.domain.result import FlextResult
from flext_observability.domain.rules import check_name
from flext_observability.services.health.check import CACHE_SECONDS, TIMEOUT_SECONDS, RegisteredCheck
from flext_observability.values.encoding import preview

_DEFAULTS: Final[Mapping[str, object]] = {
    "critical": True,
    "timeout_seconds": TIMEOUT_SECONDS,
    "interval_seconds": None,
    "cache_seconds": CACHE_SECONDS,
    "depends_on": (),
    "probes": ("ready",),
}
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


def make_registered(name: object, call: object, given: Mapping[str, object]) -> FlextResult[RegisteredCheck]:
    """Return the check, or the failure ``invalid_health_check``."""
    options = {**_DEFAULTS, **given}
    for field in ("depends_on", "probes"):
        options[field] = _as_names(options[field])
    problem = _validate_target(name, call) or _validate_options(options)
    if problem is not None:
        return invalid_check(*problem)
    valid = cast("dict[str, Any]", {**options, "critical": bool(options["critical"])})
    check = RegisteredCheck(cast("str", name), cast("Callable[[], object]", call), **valid)
    return FlextResult[RegisteredCheck].ok(check)


def invalid_check(field: str, reason: str, fix: str) -> FlextResult[RegisteredCheck]:
    """Return the failure ``invalid_health_check``.

    Args:
        field: The invalid argument.
        reason: Why it is invalid.
        fix: The next action.
    """
    return FlextResult[RegisteredCheck].fail(
        f"Invalid health check {field}: {reason}", code="invalid_health_check", fix=fix
    )


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


def _validate_target(name: object, call: object) -> tuple[str, str, str] | None:
    """Return field, reason and fix of an invalid name or callable; None when both are valid."""
    if not isinstance(name, str):
        return "name", preview(name), f"Use text, {_NAME_EXAMPLE}"
    if violation := check_name("name", name, f"Name the checked component, {_NAME_EXAMPLE}"):
        return violation
    if not callable(call):
        return "callable", f"{preview(call)} is not callable", "Pass a function without arguments"
    return None


def _validate_options(options: Mapping[str, object]) -> tuple[str, str, str] | None:
    """Return field, reason and fix of the first invalid option; None when all are valid."""
    unknown = [option for option in options if option not in _DEFAULTS]
    if unknown:
        return "option", preview(unknown[0]), f"Use {', '.join(_DEFAULTS)}"
    for field, label, minimum in _DURATIONS:
        value = options[field]
        if not _is_duration(value, minimum) and not (field == "interval_seconds" and value is None):
            return label, preview(value), f"Use seconds, {'0 or more' if minimum == 0 else 'above 0'}"
    if options["depends_on"] is None:
        return "dependencies", "not a collection of names", "Pass the names of other checks, such as ['database']"
    probes = cast("tuple[str, ...] | None", options["probes"])
    if probes is None or not set(probes) <= set(PROBES):
        return "probes", preview(probes), f"Use {', '.join(PROBES)}"
    return None


def _is_duration(value: object, minimum: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= minimum


def _as_names(given: object) -> tuple[str, ...] | None:
    """Return the names in a text or a collection of texts, None for anything else."""
    if isinstance(given, str):
        return (given,)
    names = tuple(cast("Iterable[object]", given)) if isinstance(given, Collection) else (None,)
    return cast("tuple[str, ...]", names) if all(isinstance(name, str) for name in names) else None
