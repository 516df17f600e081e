"""Message of a program about a file → the line that the message is about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from monitoring.validation.documents import Document

_LINE = re.compile(r"\blines? (\d+)")
_QUOTED = re.compile(r"""["'`]([^"'`]+)["'`]""")


def line_of(document: Document, message: str, *within: str | int) -> int:
    """Return the best line for a message without a known form.

    Args:
        document: File that the program read.
        message: Text of the program. A line number, a quoted key and a quoted value are tried in this order.
        within: Entry that the message is about, if known.
    """
    number = _LINE.search(message)
    if number and int(number[1]) <= len(document.lines):
        return int(number[1])
    start = document.line(*within)
    for text in sorted(_QUOTED.findall(message), key=len, reverse=True):
        found = (
            document.line_of_key(text, *within)
            or document.line_of_value(text, *within)
            or document.line_of_text(text, start)
        )
        if found:
            return found
    return start


def document_of(documents: Sequence[Document], *path: str | int) -> Document:
    """Return the last document that has an entry, because later files are merged over earlier ones; else the first."""
    return next((document for document in reversed(documents) if document.has(*path)), documents[0])


def sentence(text: str) -> str:
    """Return a message in one line without its full stop."""
    return " ".join(text.split()).rstrip(".:, ")
