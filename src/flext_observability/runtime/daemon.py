"""Work → a running daemon thread, or None when there can be none."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread, main_thread

from flext_observability.runtime.report_once import report_once


def start_daemon(name: str, work: Callable[[], object], *, what: str) -> Thread | None:
    """Start a daemon thread.

    Args:
        name: Of the thread.
        work: What it does.
        what: The thread in the log line, should it not start: "the thread for periodic work".
    """
    thread = Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
    except (
        RuntimeError
    ) as error:  # the system has no more threads; or the interpreter is ending, which is nobody's mistake
        if main_thread().is_alive():
            report_once(f"Starting {what}", error)
        return None
    return thread
