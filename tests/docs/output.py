"""Compare the output shown in a page with the printed output."""

from __future__ import annotations

import doctest
import os
import re
from itertools import pairwise
from pathlib import Path

from tests.docs.pages import Block, blocks

TAGS = {"late", "no-output", "numbers-vary", "varies"}
_SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# Parts that differ from run to run, or between machines.
_VARYING = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:\+00:00|Z)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d\.\d{3}\b|\b\d{10}\.\d{1,3}\b"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b(?!0+\b)(?:[0-9a-f]{32}|[0-9a-f]{16}|[0-9a-f]{8})\b"), "<id>"),
    (re.compile(r"\+?\b\d[\d,]*(?:\.\d+)? [nµm]s\b|\+?\b\d[\d,]*\.\d+ s\b|(?<=  )\+?\d+ s\b"), "<duration>"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
    (re.compile(r"[━·]{24}"), "<bar>"),
    (re.compile(r"\(\w[\w-]*\.(?:md|py):\d+\)"), "(<place>)"),
)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])")


def same(expected: str, printed: str) -> bool:
    """Return whether the texts are equal except for white space. ``...`` in the expected text matches any text."""
    return doctest.OutputChecker().check_output(expected, printed, _SAME)


def environment() -> dict[str, str]:
    """Return an environment without telemetry settings and with a wide terminal, for programs with compared output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "FLEXT_", "OTEL_"))}
    return kept | {"COLUMNS": "120"}


def outputs(found: list[Block], *languages: str) -> dict[int, Block]:
    """Return the text block after each executed block, by the line of the executed block."""
    return {
        code.line: text
        for code, text in pairwise(found)
        if code.language in languages and not code.reason and _is_output(text)
    }


def unaccounted(found: list[Block], *languages: str) -> list[str]:
    """Return the text blocks without a comparison or a reason, and those with an unknown tag."""
    compared = {text.line for text in outputs(found, *languages).values()}
    return [
        f"line {block.line}: text {block.tags}".rstrip()
        for block in found
        if block.language == "text" and (block.words - TAGS or (_is_output(block) and block.line not in compared))
    ]


def _is_output(block: Block) -> bool:
    return block.language == "text" and not block.reason and "no-output" not in block.words


def differs(shown: Block, *printed: str) -> str:
    """Return the difference between a text block and the printed texts, empty if one of them matches.

    A block tagged ``late`` shows a part of the output. A block tagged ``numbers-vary`` may show other numbers.
    """
    expected, each = _usual(shown, shown.code).replace("…", "..."), [_usual(shown, text) for text in printed]
    if "late" in shown.words:  # the common first and last words allow a match at the start or the end
        expected, each = f"[ ... {expected} ... ]", [f"[ -\n{text}\n- ]" for text in each]
    if any(same(expected, text) for text in each):
        return ""
    return f"line {shown.line}: printed\n{printed[0]}\ninstead of\n{shown.code}"


def _usual(shown: Block, text: str) -> str:
    if "numbers-vary" in shown.words:
        text = _NUMBER.sub("<number>", text)
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return text


def problems(page: Path, written: list[tuple[int, str, str]]) -> list[str]:
    """Compare the text blocks of a page with the output of its Python blocks: (line of the block, stream, text) each.

    A page shows both streams or only standard output. Output tagged ``late`` is printed by the block or later, such as
    by a thread or at exit.
    """
    found: list[str] = []
    for line, shown in outputs(list(blocks(page.read_text(encoding="utf-8"))), "python").items():
        its = [entry for entry in written if entry[0] == line or ("late" in shown.words and entry[0] > line)]
        alone = [entry for entry in its if entry[1] == "stdout"]
        if problem := differs(shown, *("".join(entry[2] for entry in part) for part in (its, alone))):
            found.append(problem)
    return found
