"""Flags of VictoriaLogs in the native table and in the compose file → faults found by the program itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from monitoring.native.parts import VICTORIALOGS
from monitoring.validation.check import Check
from monitoring.validation.compose import FILE
from monitoring.validation.documents import Document
from monitoring.validation.faults import Fault, NotCheckedError
from monitoring.validation.messages import sentence
from monitoring.validation.syntax import syntax_faults
from monitoring.validation.tree import Tree, nearest

TABLE: Final = "monitoring/native/parts.py"
_FLAG = re.compile(r"flag(?: provided but not defined:|) (-[\w.]+)")


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of the flags of the native process and one of the container's flags."""
    yield Check("flags of VictoriaLogs (native)", partial(_native, tree))
    yield Check("flags of VictoriaLogs (Docker)", partial(_docker, tree))


def _native(tree: Tree) -> Iterator[Fault]:
    run = VICTORIALOGS.run
    words = [tree.fill(VICTORIALOGS, word) for word in run.argv[1:]] if run else []
    return _faults(tree, words, tree.document(TABLE))


def _docker(tree: Tree) -> Iterator[Fault]:
    if syntax_faults(tree, FILE):
        raise NotCheckedError(f"{FILE} is not readable as YAML, correct it first")
    document = tree.document(FILE)
    words = [str(word) for word in document.sequence("services", VICTORIALOGS.service, "command")]
    folder = tree.scratch.folder(VICTORIALOGS) / "docker"
    return _faults(
        tree, [re.sub(r"^-storageDataPath=.*", f"-storageDataPath={folder}", word) for word in words], document
    )


def _faults(tree: Tree, words: Sequence[str], document: Document) -> Iterator[Fault]:
    # The program reads all flags before it prints its version.
    answer = tree.run(VICTORIALOGS, "victoria-logs", [*words, "-version"])
    if answer.good:
        return
    message = next((line for line in answer.text.splitlines() if line.strip()), "no reason")
    flag = _FLAG.search(message)
    name = flag[1] if flag else ""
    known = re.findall(r"^  (-[\w.]+)", _help(tree), re.MULTILINE) if "not defined" in message else []
    action = nearest(name, known) if known else "Correct the value"
    number = document.line_of_text(f"{name}=") or document.line_of_text(name) or 1
    yield Fault(document.file, number, f"flag {name}".strip(), sentence(message), action)


def _help(tree: Tree) -> str:
    return tree.run(VICTORIALOGS, "victoria-logs", ["-help"]).text
