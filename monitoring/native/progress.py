"""Steps of a long build in, a live line on a terminal or plain lines elsewhere out."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_HEARTBEAT_SECONDS: Final = 30.0


class BuildProgress:
    """Shows which part is being built, at which step, and for how long."""

    def __init__(self, console: Console, total: int) -> None:
        """Prepare to show `total` parts on `console`."""
        self._console = console
        self._total = total
        self._index = 0
        self._title = ""
        self._step = ""
        self._began = self._spoke = time.monotonic()
        self._task: TaskID | None = None
        columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TimeElapsedColumn())
        self._live = Progress(*columns, console=console) if console.is_terminal else None

    def __enter__(self) -> Self:
        """Start the live display, where there is one."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state of each part on the screen."""
        if self._live is not None:
            self._live.stop()

    def begin(self, title: str) -> None:
        """Start the next part."""
        self._index += 1
        self._title = f"[{self._index}/{self._total}] {title}"
        self._began = time.monotonic()
        if self._live is not None:
            self._task = self._live.add_task(self._escaped("waiting"), total=1)

    def step(self, text: str) -> None:
        """Name what the current part is doing now."""
        self._step = text
        self._show(text)

    def tick(self) -> None:
        """Say that the current step is still running; plain output repeats itself only now and then."""
        if self._live is None and time.monotonic() - self._spoke >= _HEARTBEAT_SECONDS:
            self._show(f"{self._step}, {self.elapsed():.0f} s so far")

    def end(self, text: str) -> None:
        """Close the current part with its outcome."""
        outcome = f"{text} in {self.elapsed():.1f} s"
        self._show(outcome)
        if self._live is not None and self._task is not None:
            self._live.update(self._task, completed=1)

    def elapsed(self) -> float:
        """Seconds since the current part began."""
        return time.monotonic() - self._began

    def _show(self, text: str) -> None:
        self._spoke = time.monotonic()
        if self._live is not None and self._task is not None:
            self._live.update(self._task, description=self._escaped(text))
        else:
            self._console.print(f"{self._title}: {text}", markup=False, highlight=False, soft_wrap=True)

    def _escaped(self, text: str) -> str:
        return f"{self._title}: {text}".replace("[", r"\[")
