"""Arguments of `register_check` → a RegisteredCheck, or what is wrong with them and what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from math import isfinite
from typing import Any, Final, TypedDict, cast

from flext_observability.domain.health_report import PROBES
from flext_observability.domain.result import FlextResult
from flext_observability.services.health.check import CACHE_SECONDS, TIMEOUT_SECONDS, RegisteredCheck
from flext_observability.values.encoding import preview
from flext_observability.values.messages import describe_invalid_name

_DEFAULTS: Final[Mapping[str, object]] = {
    "critical": True,
    "timeout_seconds": TIMEOUT_SECONDS,
    "interval_seconds": None,
    "cache_seconds": CACHE_SECONDS,
    "depends_on": (),
    "probes": ("ready",),
}
_SHORTEST: Final = 1e-9
_SECONDS: Final = (
    ("timeout_seconds", "timeout", _SHORTEST),
    ("interval_seconds", "interval", _SHORTEST),
    ("cache_seconds", "cache", 0),
)


class CheckOptions(TypedDict, total=False):
    """How a check is run and what it counts for; all optional.

    Attributes:
        critical: Whether its failure makes the whole unhealthy; of another one, only degraded. Default True.
        timeout_seconds: Time limit of one run, above 0; a check that takes longer is ``unknown``. Default 5.
        interval_seconds: Time between runs in the background, above 0; None (default): it runs when somebody asks.
        cache_seconds: How long what was found is given to those who ask without running it again, 0 or more. Default 1.
        depends_on: Names of checks without which this one is not run: while one of them is ``unhealthy`` or ``unknown``, this one is ``unknown``.
        probes: Which of ``live``, ``ready`` and ``startup`` it counts for. Default ``("ready",)``; it always counts for the whole.
    """

    critical: bool
    timeout_seconds: float
    interval_seconds: float | None
    cache_seconds: float
    depends_on: Collection[str]
    probes: Collection[str]


def make_registered(name: object, call: object, given: Mapping[str, object]) -> FlextResult[RegisteredCheck]:
    """Return the check, or a failure ``invalid_health_check``."""
    options = {**_DEFAULTS, **given}
    for field in ("depends_on", "probes"):
        options[field] = _names(options[field])
    wrong = _wrong_target(name, call) or _wrong_options(options)
    if wrong:
        return refused(wrong)
    checked = cast("dict[str, Any]", {**options, "critical": bool(options["critical"])})
    return FlextResult[RegisteredCheck].ok(
        RegisteredCheck(cast("str", name), cast("Callable[[], object]", call), **checked)
    )


def refused(wrong: str) -> FlextResult[RegisteredCheck]:
    """Return the failure that begins as all about health checks do."""
    return FlextResult[RegisteredCheck].fail(f"Invalid health check {wrong}", code="invalid_health_check")


def find_cycle(check: RegisteredCheck, registered: Mapping[str, RegisteredCheck]) -> str:
    """Return the names along which a new check would depend on itself; empty when it does not."""
    ways: list[tuple[str, ...]] = [(check.name, name) for name in check.depends_on]
    seen = set[str]()
    while ways:
        way = ways.pop()
        last = way[-1]
        if last == check.name:
            return " → ".join(way)
        if last not in seen and last in registered:
            seen.add(last)
            ways.extend((*way, name) for name in registered[last].depends_on)
    return ""


def _wrong_target(name: object, call: object) -> str:
    """Return the field and what is wrong with it; empty when nothing is."""
    if not isinstance(name, str):
        return f"name: {preview(name)} is no text; say what is checked, such as 'database'"
    if wrong := describe_invalid_name(name, "say what is checked, such as 'database'"):
        return f"name: {wrong}"
    if not callable(call):
        return f"callable: {preview(call)} cannot be called; pass a function without arguments"
    return ""


def _wrong_options(options: Mapping[str, object]) -> str:
    unknown = [option for option in options if option not in _DEFAULTS]
    if unknown:
        return f"option: {preview(unknown[0])}; use {', '.join(_DEFAULTS)}"
    for field, word, lowest in _SECONDS:
        if not _is_seconds(options[field], lowest) and not (field == "interval_seconds" and options[field] is None):
            return f"{word}: {preview(options[field])}; use seconds, {'0 or more' if lowest == 0 else 'above 0'}"
    if options["depends_on"] is None:
        return "dependencies: they are no names; use the names of other checks, such as ['database']"
    probes = cast("tuple[str, ...] | None", options["probes"])
    if probes is None or not set(probes) <= set(PROBES):
        return f"probes: {preview(probes)}; use {', '.join(PROBES)}"
    return ""


def _is_seconds(value: object, lowest: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= lowest


def _names(given: object) -> tuple[str, ...] | None:
    """Return the names in a text or a collection of texts; None when it is neither."""
    if isinstance(given, str):
        return (given,)
    names = tuple(cast("Iterable[object]", given)) if isinstance(given, Collection) else (None,)
    return cast("tuple[str, ...]", names) if all(isinstance(name, str) for name in names) else None
