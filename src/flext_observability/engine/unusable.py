"""Instruments, meters, tracers and loggers that a provider rejects → log lines, and notices for the status."""

from __future__ import annotations

import logging
from typing import Final, cast, final

from flext_observability.domain.report import Notice, Signal
from flext_observability.runtime.internal_log import report_once, warn_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.encoding import encode_tag
from flext_observability.values.exceptions import describe_error

MAX_PARTS: Final = 100
"""Maximum number of notices; a program may generate names."""
_FIX: Final = "Correct its name, version, attributes or callbacks"
_logger: Final = logging.getLogger("flext_observability")


@final
class UnusableParts:
    """Parts that discard their data, because the current provider of their signal could not create them."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._notices: dict[tuple[Signal, str], Notice] = {}

    def add(self, signal: Signal, kind: str, name: object, error: BaseException) -> None:
        """Log a failure, and add a notice that degrades the signal.

        Args:
            signal: Signal of the part.
            kind: ``instrument``, ``meter``, ``tracer`` or ``logger``.
            name: Its name, an object of any type.
            error: Why it could not be created.
        """
        part = f"the {kind} {encode_tag(name, max_bytes=100)}"
        message = f"T{part[1:]} cannot be created and discards its data: {describe_error(error)}"
        self._keep(part, Notice(signal, message, _FIX, degrades=True))
        report_once(f"Creating {part}", error)

    def note(self, signal: Signal, part: str, message: str, fix: str) -> None:
        """Log that a part of the program costs more than others, and add a notice.

        Args:
            signal: Signal of the part.
            part: The part: its notices replace each other.
            message: The cost and the reason, without a full stop.
            fix: How to avoid it.
        """
        notice = Notice(signal, message, fix)
        self._keep(part, notice)
        warn_once(_logger, str(notice))

    def drop(self, signal: Signal, part: str) -> None:
        """Drop the notice about a part that the program has removed."""
        with self._lock:
            self._notices.pop((signal, part), None)

    def _keep(self, part: str, notice: Notice) -> None:
        with self._lock:
            if len(self._notices) < MAX_PARTS:
                self._notices[cast("Signal", notice.signal), part] = notice

    def clear(self, signal: Signal) -> None:
        """Drop the notices of a signal, whose parts are created again."""
        with self._lock:
            self._notices = {key: notice for key, notice in self._notices.items() if key[0] != signal}

    def notices(self) -> tuple[Notice, ...]:
        """Return one notice for each part."""
        return tuple(self._notices.values())


def unusable_parts() -> UnusableParts:
    """Return the unusable parts of the process."""
    return current_runtime().get(UnusableParts)
