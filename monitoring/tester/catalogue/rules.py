"""Rule files of Prometheus → checks of each expression and runbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from monitoring.tester.catalogue.files import Object, child, children
from monitoring.tester.model import Check

REPOSITORY_URL: Final = "/flext-sh/flext-observability/blob/main/"


def rule_checks(groups: Mapping[str, Sequence[Object]], repository: Path) -> Iterator[Check]:
    """Yield the checks of all rules: the expression, the recorded series, and the runbook of an alert."""
    for file, own in groups.items():
        for group in own:
            for rule in children(group, "rules"):
                yield from _rule(f"rules {file}", rule, repository)


def _rule(group: str, rule: Object, repository: Path) -> Iterator[Check]:
    expression = str(rule.get("expr", "")).strip()
    if name := rule.get("record"):
        yield Check(group, str(name), "expression", "prometheus recording", expression)
        yield Check(group, str(name), "recorded series", "prometheus recording", str(name))
        return
    name = str(rule.get("alert", ""))
    yield Check(group, name, "expression", "prometheus alert", expression)
    yield Check(group, name, "loaded", "prometheus rule", name)
    url = str(child(rule, "annotations").get("runbook_url", ""))
    yield Check(group, name, "runbook", "static", url, {"problem": runbook_problem(url, repository)})


def runbook_problem(url: str, repository: Path) -> str:
    """Return why a runbook URL has no page in the repository, or an empty text."""
    path = file_of(url)
    if not path:
        return f"runbook_url is {url!r}. Set https://github.com{REPOSITORY_URL}docs/runbooks/<alert>.md."
    if not path.startswith("docs/runbooks/") or not (repository / path).is_file():
        return f"no file {path}. Write the runbook, or correct runbook_url."
    return ""


def file_of(url: str) -> str:
    """Return the path in the repository of a link to its main branch, or an empty text."""
    parts = urlsplit(url)
    is_own = parts.netloc == "github.com" and parts.path.startswith(REPOSITORY_URL)
    return parts.path.removeprefix(REPOSITORY_URL) if is_own else ""
