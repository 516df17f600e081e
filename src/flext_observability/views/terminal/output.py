"""Drawings → text on a stream, in colour when it is a terminal; any encoding, no control characters from outside (rich)."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from rich.console import Console, RenderableType

# Our own characters where the stream cannot write them; one column each, so that columns stay aligned.
_ASCII = str.maketrans({"…": "~", "━": "=", "·": ".", "✗": "x", "•": "*", "µ": "u", "×": "x", "≥": ">"})
_WIDTH_OF_FILES = 120
_LEAST_WIDTH = 20


class _Page(io.StringIO):
    """Text buffer that claims the encoding of the stream it is for, so that lines are drawn with characters which it knows."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._claimed = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]  # read-only
        """Encoding of the stream."""
        return self._claimed


class Terminal:
    """Draws on a stream.

    Args:
        stream: Where to write; by default the ``sys.stderr`` of the moment.
        plain: Neither colour nor characters beyond ASCII.
    """

    __slots__ = ("_plain", "_stream")

    def __init__(self, stream: TextIO | None = None, *, plain: bool = False) -> None:
        self._stream = stream
        self._plain = plain

    def show(self, *drawings: RenderableType) -> int:
        """Write the drawings in one go, each on lines of its own.

        Returns:
            Lines written.

        Raises:
            OSError: The stream's other end is gone.
            ValueError: The stream is closed.
            AttributeError: There is no stream, or it is not one of text.
        """
        stream = self._stream or sys.stderr
        encoding = "ascii" if self._plain else stream.encoding or "utf-8"
        page = _Page(encoding)
        console = self._console(page, stream)
        for drawing in drawings:
            console.print(drawing)
        text = page.getvalue()
        if not encoding.lower().startswith("utf"):
            text = text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
        stream.write(text)
        stream.flush()
        return text.count("\n")

    def _console(self, page: _Page, stream: TextIO) -> Console:
        is_terminal = stream.isatty() and not self._plain
        return Console(
            file=page,
            force_terminal=True if is_terminal else None,
            color_system=None if self._plain else "auto",
            width=_width(stream),
            legacy_windows=False,
            markup=False,
            highlight=False,
            emoji=False,
        )


def _width(stream: TextIO) -> int:
    """Return ``COLUMNS``, the terminal's width, or 120 for files and for terminals that do not know theirs, in columns."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and len(given) < 5:
        return max(int(given), _LEAST_WIDTH)
    try:
        known = os.get_terminal_size(stream.fileno()).columns
        return max(known, _LEAST_WIDTH) if known else _WIDTH_OF_FILES
    except (OSError, ValueError):
        return _WIDTH_OF_FILES
