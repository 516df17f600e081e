"""What a page says is printed, what was printed → whether they agree."""

from __future__ import annotations

import doctest
import os
import re
from itertools import pairwise
from pathlib import Path

from tests.docs.pages import Block, blocks

TAGS = {"late", "no-output", "numbers-vary", "varies"}
_SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# What differs from run to run; the last number of an address and of a place in a file is the machine's and the reader's.
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
    """Tell whether the texts are equal, but for white space; ``...`` in the expected one stands for anything."""
    return doctest.OutputChecker().check_output(expected, printed, _SAME)


def environment() -> dict[str, str]:
    """Return the environment of programs whose output is compared: without settings, wide enough for all columns."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "FLEXT_", "OTEL_"))}
    return kept | {"COLUMNS": "120"}


def outputs(found: list[Block], *languages: str) -> dict[int, Block]:
    """Return the text block directly behind each block that is run, by the line of the latter."""
    return {
        code.line: text
        for code, text in pairwise(found)
        if code.language in languages and not code.reason and _is_output(text)
    }


def unaccounted(found: list[Block], *languages: str) -> list[str]:
    """Return the text blocks that are compared with nothing and do not say why, or have a tag that nothing reads."""
    compared = {text.line for text in outputs(found, *languages).values()}
    return [
        f"line {block.line}: text {block.tags}".rstrip()
        for block in found
        if block.language == "text" and (block.words - TAGS or (_is_output(block) and block.line not in compared))
    ]


def _is_output(block: Block) -> bool:
    return block.language == "text" and not block.reason and "no-output" not in block.words


def differs(shown: Block, *printed: str) -> str:
    """Say what was printed instead of what a text block shows; empty when it shows one of ``printed``.

    A block tagged ``late`` shows a part of it, one tagged ``numbers-vary`` other numbers.
    """
    expected, each = _usual(shown, shown.code).replace("…", "..."), [_usual(shown, text) for text in printed]
    if "late" in shown.words:  # ends that are in both let it be the first or the last, too
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
    """Compare the text blocks of a page with what its Python blocks have written: (line of the block, stream, text) each.

    A page shows what came on both streams, or on standard output alone. What is tagged ``late`` was printed by the block or later, as by a thread or
    when the program ended.
    """
    found: list[str] = []
    for line, shown in outputs(list(blocks(page.read_text(encoding="utf-8"))), "python").items():
        its = [entry for entry in written if entry[0] == line or ("late" in shown.words and entry[0] > line)]
        alone = [entry for entry in its if entry[1] == "stdout"]
        if problem := differs(shown, *("".join(entry[2] for entry in part) for part in (its, alone))):
            found.append(problem)
    return found
