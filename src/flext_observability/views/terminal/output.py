"""Rich renderables → text on a stream of any encoding, coloured on a terminal."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from rich.console import Console, RenderableType

# Replacements for streams without Unicode. Each is one column wide, to keep columns aligned.
_ASCII = str.maketrans({"…": "~", "━": "=", "·": ".", "✗": "x", "•": "*", "µ": "u", "×": "x", "≥": ">"})
_FILE_WIDTH = 120
_MIN_WIDTH = 20


class _Buffer(io.StringIO):
    """Text buffer with the encoding of the target stream: rich chooses its box characters by it."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    # typeshed declares a writable attribute.
    @property
    def encoding(self) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        """Encoding of the stream."""
        return self._encoding


class Terminal:
    """Output of renderables to a stream.

    Args:
        stream: Target; by default the ``sys.stderr`` at the time of a write.
        plain: Whether to write ASCII without colours.
    """

    __slots__ = ("_plain", "_stream")

    def __init__(self, stream: TextIO | None = None, *, plain: bool = False) -> None:
        self._stream = stream
        self._plain = plain

    def show(self, *renderables: RenderableType) -> int:
        """Write the renderables with a single call, each on its own lines. See ``render`` and ``write``."""
        return self.write(self.render(*renderables))

    def render(self, *renderables: RenderableType) -> str:
        """Return the renderables as text for the stream, each on its own lines.

        Raises:
            AttributeError: There is no stream, or it is not a text stream.
            Exception: A renderable has invalid content.
        """
        stream = self._stream or sys.stderr
        encoding = "ascii" if self._plain else stream.encoding or "utf-8"
        buffer = _Buffer(encoding)
        console = self._console(buffer, stream)
        for renderable in renderables:
            console.print(renderable)
        text = buffer.getvalue()
        if not encoding.lower().startswith("utf"):
            text = text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
        return text

    def write(self, text: str) -> int:
        """Write rendered text.

        Returns:
            Lines written.

        Raises:
            OSError: The reader of the stream has closed it.
            ValueError: The stream is closed.
            AttributeError: There is no stream.
        """
        stream = self._stream or sys.stderr
        stream.write(text)
        stream.flush()
        return text.count("\n")

    def _console(self, buffer: _Buffer, stream: TextIO) -> Console:
        is_terminal = stream.isatty() and not self._plain
        return Console(
            file=buffer,
            force_terminal=True if is_terminal else None,
            color_system=None if self._plain else "auto",
            width=_width(stream),
            legacy_windows=False,
            markup=False,
            highlight=False,
            emoji=False,
        )


def _width(stream: TextIO) -> int:
    """Return the width: ``COLUMNS``, that of the terminal, or 120 for files and terminals without a width."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and len(columns) < 5:
        return max(int(columns), _MIN_WIDTH)
    try:
        width = os.get_terminal_size(stream.fileno()).columns
        return max(width, _MIN_WIDTH) if width else _FILE_WIDTH
    except (OSError, ValueError):
        return _FILE_WIDTH
