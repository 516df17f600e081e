"""The table of rules on the page."""

from __future__ import annotations

import re
from pathlib import Path

from flext_observability.pipeline.redaction.rules import rule_table

PAGE = Path(__file__).parents[4] / "docs" / "redaction.md"


def test_the_page_has_each_rule() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Rules")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", section, re.MULTILINE)
    assert rows == rule_table()
