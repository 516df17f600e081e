"""Show the progress of a build: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_HEARTBEAT_SECONDS: Final = 30.0


class BuildProgress:
    """Progress display with the current part, its step and the elapsed time."""

    def __init__(self, console: Console, total: int) -> None:
        """Create a display for `total` parts on `console`."""
        self._console = console
        self._total = total
        self._index = 0
        self._title = ""
        self._step = ""
        self._started_at = self._printed_at = time.monotonic()
        self._task: TaskID | None = None
        columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TimeElapsedColumn())
        self._live = Progress(*columns, console=console) if console.is_terminal else None

    def __enter__(self) -> Self:
        """Start the live display, if there is one."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the live display. The last state of each part stays on the screen."""
        if self._live is not None:
            self._live.stop()

    def begin(self, title: str) -> None:
        """Start the next part."""
        self._index += 1
        self._title = f"[{self._index}/{self._total}] {title}"
        self._started_at = time.monotonic()
        if self._live is not None:
            self._task = self._live.add_task(self._escaped("waiting"), total=1)

    def step(self, text: str) -> None:
        """Show a step of the current part."""
        self._step = text
        self._show(text)

    def tick(self) -> None:
        """Show that the current step is still running. Plain output repeats the step every 30 s."""
        if self._live is None and time.monotonic() - self._printed_at >= _HEARTBEAT_SECONDS:
            self._show(f"{self._step}, {self.elapsed():.0f} s so far")

    def end(self, text: str) -> None:
        """End the current part, and show its outcome."""
        outcome = f"{text} in {self.elapsed():.1f} s"
        self._show(outcome)
        if self._live is not None and self._task is not None:
            self._live.update(self._task, completed=1)

    def elapsed(self) -> float:
        """Return the seconds since the start of the current part."""
        return time.monotonic() - self._started_at

    def _show(self, text: str) -> None:
        self._printed_at = time.monotonic()
        if self._live is not None and self._task is not None:
            self._live.update(self._task, description=self._escaped(text))
        else:
            self._console.print(f"{self._title}: {text}", markup=False, highlight=False, soft_wrap=True)

    def _escaped(self, text: str) -> str:
        return f"{self._title}: {text}".replace("[", r"\[")
