"""Results of health checks → FlextHealthReport: the overall status and its reasons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flext_observability.domain.health_check import FlextHealthCheck

PROBES: Final = ("live", "ready", "startup")
"""Probes of Kubernetes: restart the program, send requests to it, wait for its start."""
_ORDER: Final = ("healthy", "degraded", "unhealthy")
_CRITICAL: Final = {"healthy": "healthy", "degraded": "degraded", "unhealthy": "unhealthy", "unknown": "degraded"}
_NON_CRITICAL: Final = {"healthy": "healthy", "degraded": "degraded", "unhealthy": "degraded", "unknown": "healthy"}
# A probe needs an answer: an unknown status counts as a failure.
_PROBED: Final = {**_CRITICAL, "unknown": "unhealthy"}


@dataclass(frozen=True, slots=True)
class FlextHealthReport:
    """The overall health.

    Attributes:
        status: ``healthy``, ``degraded`` or ``unhealthy``: the worst contribution of a check.
        reasons: Name, status and message of each check that contributes a worse status than ``healthy``, in order.
        checks: The latest result of every check, by name.
    """

    status: str
    reasons: tuple[str, ...] = ()
    checks: tuple[FlextHealthCheck, ...] = ()


def aggregate(
    checks: Iterable[FlextHealthCheck], non_critical: Iterable[str], *, probed: bool = False
) -> FlextHealthReport:
    """Return the report on the given checks.

    Args:
        checks: Results.
        non_critical: Names of checks that can make the overall status ``degraded`` but not ``unhealthy``.
        probed: Whether the report answers a probe. Then a critical check with the status ``unknown`` makes the overall
            status ``unhealthy``, otherwise ``degraded``.
    """
    results, tolerated = tuple(sorted(checks, key=lambda check: check.name)), set(non_critical)
    critical = _PROBED if probed else _CRITICAL
    contributions = [
        (check, (_NON_CRITICAL if check.name in tolerated else critical)[check.status]) for check in results
    ]
    worst = max((status for _, status in contributions), key=_ORDER.index, default="healthy")
    reasons = tuple(_reason(check) for check, status in contributions if status != "healthy")
    return FlextHealthReport(worst, reasons, results)


def _reason(check: FlextHealthCheck) -> str:
    return f"{check.name} is {check.status}" + (f": {check.message}" if check.message else "")
