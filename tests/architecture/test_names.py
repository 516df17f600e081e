"""docs/reference/names.md: one line for each public name."""

from __future__ import annotations

import re

import pytest

import flext_observability
from tests.architecture.tree import ROOT

PAGE = (ROOT / "docs" / "reference" / "names.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE)


def test_the_page_has_each_public_name_once_and_no_other() -> None:
    assert sorted(name for name, _ in ROWS) == sorted(flext_observability.__all__)


@pytest.mark.parametrize(("name", "contract"), ROWS)
def test_a_contract_is_one_sentence(name: str, contract: str) -> None:
    assert contract.strip().endswith(".")
    assert contract[0].isupper()


@pytest.mark.parametrize("name", flext_observability.__all__)
def test_every_public_name_has_a_docstring(name: str) -> None:
    assert (getattr(flext_observability, name).__doc__ or "").strip()
