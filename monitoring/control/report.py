"""Lines of a command for the user: what was done, what is wrong, and the next command."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

_MIN_WIDTH = 140


class Report:
    """Prints the steps of one command. Texts are literal: no markup, and no line breaks of its own."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self.console = console

    def done(self, text: str) -> None:
        """Print a finished step."""
        self._line("done", text, "green")

    def note(self, text: str) -> None:
        """Print a fact that needs no action."""
        self._line("", text, None)

    def problem(self, text: str) -> None:
        """Print a problem with its action."""
        self._line("problem", text, "red")

    def next(self, *texts: str) -> None:
        """Print what to run or open after this command."""
        for number, text in enumerate(texts):
            self._line("next" if number == 0 else "", text, "cyan")

    def table(self, headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        """Print rows in columns. The values `up`, `down` and the like have colours."""
        table = Table(box=None, pad_edge=False)
        for heading in headings:
            table.add_column(heading, no_wrap=True)
        for row in rows:
            table.add_row(*(Text(value, _STYLES.get(value, "")) for value in row))
        Console(file=self.console.file, width=max(self.console.width, _MIN_WIDTH)).print(table)

    def _line(self, label: str, text: str, style: str | None) -> None:
        self.console.print(f"{label:<8} {text}", style=style, markup=False, highlight=False, soft_wrap=True)


_STYLES = {
    "up": "green",
    "ok": "green",
    "inactive": "green",
    "down": "red",
    "err": "red",
    "firing": "red",
    "pending": "yellow",
    "optional": "dim",
}
