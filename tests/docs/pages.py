"""Markdown page → its fenced blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_FENCE = re.compile(r"^( *)(`{3,}|~{3,}) *([^`]*)$")
_FILE = re.compile(r'file="([^"]+)"')
_REASON = re.compile(r'reason="([^"]+)"')
_VALUE = re.compile(r'\w+="[^"]*"')


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        language: First word after the fence; empty when there is none.
        tags: The rest of that line. ``no-run reason="…"`` skips a block. ``file="…"`` saves it for later shells.
            Text after an executed block is its output, unless it is tagged ``no-output`` or ``varies reason="…"``.
            See output.py for the other tags.
        line: Line number of the first line of code, from 1.
        code: The text without the indent of the fence.
    """

    language: str
    tags: str
    line: int
    code: str

    @property
    def words(self) -> set[str]:
        """Tags without a value."""
        return set(_VALUE.sub("", self.tags).split())

    @property
    def reason(self) -> str:
        """Reason why the block is not executed or compared, or empty."""
        if not self.words & {"no-run", "varies"}:
            return ""
        found = _REASON.search(self.tags)
        return found.group(1) if found else "no reason given"

    @property
    def file(self) -> str:
        """File name for the block as given by the page, or empty."""
        found = _FILE.search(self.tags)
        return found.group(1) if found else ""


def pages() -> list[Path]:
    """Return the pages for users."""
    top = [path for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md") if (path := ROOT / name).is_file()]
    return [*top, ROOT / "examples" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(path: Path) -> str:
    """Return the path of the page relative to the repository."""
    return str(path.relative_to(ROOT))


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page in order.

    Raises:
        ValueError: A fence is never closed.
    """
    lines = enumerate(text.splitlines(), start=1)
    for number, line in lines:
        if not (opening := _FENCE.match(line)):
            continue
        indent, fence, info = opening.groups()
        code: list[str] = []
        for _, inner in lines:
            if inner.strip().startswith(fence) and not inner.strip().strip(fence[0]):
                break
            code.append(inner.removeprefix(indent))
        else:
            raise ValueError(f"the fence of line {number} is never closed")
        language, _, tags = info.strip().partition(" ")
        yield Block(language, tags, number + 1, "\n".join(code) + "\n")
