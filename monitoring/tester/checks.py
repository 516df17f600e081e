"""All files of the stack → the list of all checks."""

from __future__ import annotations

from dataclasses import dataclass

from monitoring.native.places import StackError
from monitoring.tester.catalogue.dashboards import dashboard_checks
from monitoring.tester.catalogue.files import Files, Object
from monitoring.tester.catalogue.links import link_checks, source_checks
from monitoring.tester.catalogue.rules import rule_checks
from monitoring.tester.model import Check


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Checks, with the files that they were read from.

    Attributes:
        checks: All checks, queries of variables before those of panels.
        dashboards: Dashboards by uid.
        sources: Provisioned data sources by uid.
    """

    checks: list[Check]
    dashboards: dict[str, Object]
    sources: dict[str, Object]


def catalogue(files: Files, dashboard: str = "") -> Catalogue:
    """Return all checks, or only those of one dashboard.

    Args:
        files: The folders to read.
        dashboard: Uid of the only dashboard to check, or empty for all dashboards, rules and links.

    Raises:
        StackError: A file cannot be parsed, or no dashboard has the uid.
    """
    dashboards, sources = files.dashboards(), files.sources()
    if dashboard and dashboard not in dashboards:
        raise StackError(f"No dashboard has the uid {dashboard!r}. Use one of {', '.join(dashboards)}.")
    wanted = [dashboards[dashboard]] if dashboard else list(dashboards.values())
    checks: list[Check] = []
    for one in wanted:
        checks += dashboard_checks(one, sources)
        checks += link_checks(one, dashboards, sources, files.repository)
    if not dashboard:
        checks += rule_checks(files.rule_groups(), files.repository)
        checks += source_checks(sources)
    return Catalogue(checks, dashboards, sources)
