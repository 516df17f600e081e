"""Markdown text → its fenced blocks with language, tags and line."""

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
        tags: The rest of that line: ``no-run reason="…"`` keeps a block from being run, ``file="…"`` saves it for the shell blocks behind it. Text
            behind a block that is run is its output, unless it is tagged ``no-output``, or ``varies reason="…"``; see output.py for the others.
        line: Line of the block's first line of code, from 1.
        code: The text, without the fence's indent.
    """

    language: str
    tags: str
    line: int
    code: str

    @property
    def words(self) -> set[str]:
        """The tags without a value."""
        return set(_VALUE.sub("", self.tags).split())

    @property
    def reason(self) -> str:
        """Why the block is not run or compared; empty when it is."""
        if not self.words & {"no-run", "varies"}:
            return ""
        found = _REASON.search(self.tags)
        return found.group(1) if found else "no reason given"

    @property
    def file(self) -> str:
        """Name under which the page tells its reader to save the block; empty when it does not."""
        found = _FILE.search(self.tags)
        return found.group(1) if found else ""


def pages() -> list[Path]:
    """Return the pages that users read."""
    top = [path for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md") if (path := ROOT / name).is_file()]
    return [*top, ROOT / "examples" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(path: Path) -> str:
    """Return the page's path inside the repository."""
    return str(path.relative_to(ROOT))


def blocks(text: str) -> Iterator[Block]:
    """Yield every fenced block of a page, in order.

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
