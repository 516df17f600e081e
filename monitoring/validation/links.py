"""Links of rules, dashboards and containers → those that lead to no page, dashboard or file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from monitoring.validation.check import Check
from monitoring.validation.compose import FILE, services_of
from monitoring.validation.documents import Document
from monitoring.validation.faults import Fault
from monitoring.validation.grafana import dashboard_files, readable
from monitoring.validation.prometheus import FOLDER
from monitoring.validation.syntax import syntax_faults
from monitoring.validation.tree import Tree, nearest

_REPOSITORY: Final = re.compile(
    r"https://github\.com/flext-sh/flext-observability/(?:blob|tree|raw)/main/([^\s\"'#?)]+)"
)
_DASHBOARD: Final = re.compile(r"[\"'(/]d/([A-Za-z0-9_-]+)")
_RUNBOOKS: Final = "docs/runbooks"


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of the links of the rules, one of those of dashboards, and one of the files of containers."""
    yield Check("pages that rules and notifications link to", partial(_rules, tree))
    yield Check("pages and dashboards that dashboards link to", partial(_dashboards, tree))
    yield Check("files that containers read", partial(_mounted, tree))


def _rules(tree: Tree) -> Iterator[Fault]:
    files = tree.files(f"{FOLDER}/rules/*.yml", "monitoring/alertmanager/**/*.tmpl", "monitoring/alertmanager/*.yml")
    for document in (tree.document(file) for file in files if file.endswith(".tmpl") or not syntax_faults(tree, file)):
        yield from _pages(tree, document)


def _dashboards(tree: Tree) -> Iterator[Fault]:
    documents = list(readable(tree, dashboard_files(tree)))
    uids = {str(document.mapping().get("uid")) for document in documents}
    for document in documents:
        yield from _pages(tree, document)
        for number, line in enumerate(document.lines, start=1):
            for uid in _DASHBOARD.findall(line):
                if uid not in uids and '"url"' in line:
                    yield Fault(document.file, number, f"link to dashboard {uid}", "no file has it", nearest(uid, uids))


def _pages(tree: Tree, document: Document) -> Iterator[Fault]:
    for number, line in enumerate(document.lines, start=1):
        for page in _REPOSITORY.findall(line):
            if "{{" in page or "$" in page or (tree.repository / page).exists():
                continue
            known = tree.files(f"{PurePosixPath(page).parent}/*") or tree.files(f"{_RUNBOOKS}/*.md")
            action = nearest(page, known) + ", or write the page"
            yield Fault(document.file, number, f"link to {page}", "the repository has no such page", action)


def _mounted(tree: Tree) -> Iterator[Fault]:
    if syntax_faults(tree, FILE):
        return
    document = tree.document(FILE)
    for name, service in services_of(document).items():
        mounts: dict[str, str] = {}
        for number, mount in enumerate(document.sequence("services", name, "volumes")):
            source, _, target = str(mount).removesuffix(":ro").partition(":")
            if not source.startswith("./"):
                continue
            mounts[target] = source.removeprefix("./")
            if not (tree.repository / source).exists():
                line = document.line("services", name, "volumes", number)
                why = "Docker would create a folder in its place"
                yield Fault(
                    FILE, line, f"{source} of service {name}", f"it does not exist, and {why}", "Correct the path"
                )
        yield from _read_in_container(tree, document, name, str(service.get("command")), mounts)
        yield from _read_in_container(tree, document, name, str(service.get("environment")), mounts)


def _read_in_container(tree: Tree, document: Document, name: str, text: str, mounts: dict[str, str]) -> Iterator[Fault]:
    """Yield a fault for each path in the command or variables of a service that its mounts do not have."""
    for path in dict.fromkeys(re.findall(r"/etc/[\w./-]+\.[a-z]+", text)):
        target = next((one for one in mounts if path == one or path.startswith(f"{one}/")), None)
        if target is None:
            continue
        file = mounts[target] + path.removeprefix(target)
        if not (tree.repository / file).exists():
            line = document.line_of_text(path) or document.line("services", name)
            known = tree.files(f"{PurePosixPath(file).parent}/*")
            yield Fault(FILE, line, f"{path} of service {name}", f"{file} does not exist", nearest(file, known))
