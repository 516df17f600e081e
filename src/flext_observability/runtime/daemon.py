"""Daemon threads that may fail to start."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread, main_thread

from flext_observability.runtime.internal_log import report_once


def start_daemon(name: str, work: Callable[[], object], *, what: str) -> Thread | None:
    """Start a daemon thread.

    Args:
        name: Name of the thread.
        work: Called on the thread.
        what: The thread in the log line of a failed start: "the thread for periodic work".

    Returns:
        The thread, or None when the system cannot start one.
    """
    thread = Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # no more threads, or the interpreter is ending, which is not an error
        if main_thread().is_alive():
            report_once(f"Starting {what}", error)
        return None
    return thread
