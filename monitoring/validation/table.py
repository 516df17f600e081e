"""Table of all checks, in the order of their output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from monitoring.validation import (
    alert_texts,
    alertmanager,
    collector,
    compose,
    generated,
    grafana,
    links,
    machine,
    manifests,
    pins,
    prometheus,
    queries,
    references,
    syntax,
    victorialogs,
)
from monitoring.validation.check import Check
from monitoring.validation.tree import Tree

SOURCES: Final[tuple[Callable[[Tree], Iterator[Check]], ...]] = (
    syntax.checks,
    pins.checks,
    machine.checks,
    compose.checks,
    collector.checks,
    manifests.checks,
    references.checks,
    prometheus.checks,
    alert_texts.checks,
    alertmanager.checks,
    victorialogs.checks,
    grafana.checks,
    generated.checks,
    queries.checks,
    links.checks,
)
"""One function for each kind of file. The output has this order."""


def all_checks(tree: Tree) -> list[Check]:
    """Return all checks of a repository."""
    return [check for source in SOURCES for check in source(tree)]
