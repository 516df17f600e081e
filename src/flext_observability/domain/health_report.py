"""Checks as last found → FlextHealthReport, the whole and what makes it worse than healthy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flext_observability.domain.health_check import FlextHealthCheck

PROBES: Final = ("live", "ready", "startup")
"""Questions that a check can count for: restart the program? send it work? has it begun?"""
_ORDER: Final = ("healthy", "degraded", "unhealthy")
_OF_CRITICAL: Final = {"healthy": "healthy", "degraded": "degraded", "unhealthy": "unhealthy", "unknown": "degraded"}
_OF_OTHERS: Final = {"healthy": "healthy", "degraded": "degraded", "unhealthy": "degraded", "unknown": "healthy"}
# Who does not answer a probe is not ready.
_OF_PROBED: Final = {**_OF_CRITICAL, "unknown": "unhealthy"}


@dataclass(frozen=True, slots=True)
class FlextHealthReport:
    """The whole, from its parts.

    Attributes:
        status: ``healthy``, ``degraded`` or ``unhealthy``: the worst that a part makes it.
        reasons: For each part that makes it worse than healthy, in order: its name, status and message.
        checks: Every part as last found, by name.
    """

    status: str
    reasons: tuple[str, ...] = ()
    checks: tuple[FlextHealthCheck, ...] = ()


def aggregate(
    checks: Iterable[FlextHealthCheck], non_critical: Iterable[str], *, probed: bool = False
) -> FlextHealthReport:
    """Return the report on these checks.

    Args:
        checks: What was found.
        non_critical: Names of those that are not critical: they make the whole degraded at the worst.
        probed: Whether a probe asks: then a critical check that is ``unknown`` makes the whole unhealthy instead of degraded.
    """
    found, lesser = tuple(sorted(checks, key=lambda check: check.name)), set(non_critical)
    weights = {
        check.name: _OF_OTHERS if check.name in lesser else _OF_PROBED if probed else _OF_CRITICAL for check in found
    }
    parts = [(check, weights[check.name][check.status]) for check in found]
    worst = max((status for _, status in parts), key=_ORDER.index, default="healthy")
    return FlextHealthReport(worst, tuple(_reason(check) for check, status in parts if status != "healthy"), found)


def _reason(check: FlextHealthCheck) -> str:
    return f"{check.name} is {check.status}" + (f": {check.message}" if check.message else "")
