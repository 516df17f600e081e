"""Fragments of the changelog have names that towncrier accepts: two names without a number are duplicates for it."""

from __future__ import annotations

import re

from tests.architecture.tree import ROOT

_NAME = re.compile(
    r"(\d+\.{kind}(\.\d+)?|\+[a-z-]+\.{kind})\.md".replace("{kind}", "(added|changed|fixed|removed|security)")
)


def test_names_of_fragments() -> None:
    names = {path.name for path in (ROOT / "changelog.d").glob("*.md")} - {"README.md"}
    assert {name for name in names if _NAME.fullmatch(name) is None} == set()
