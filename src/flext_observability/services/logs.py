"""Log entities, or level and message → log records in the current trace (OTel API only)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast, final

from flext_observability.adapters import log_entry as adapter
from flext_observability.domain.result import FlextResult
from flext_observability.extensions.plugins.hooks import HOOKS
from flext_observability.services.dependencies import Keep, entity_factory, repository_writer
from flext_observability.services.guard import never_raises
from flext_observability.values.exceptions import exception_attributes

if TYPE_CHECKING:
    from flext_observability.domain.container import Container
    from flext_observability.domain.log_entry import FlextLogEntry


@final
class FlextLoggingService:
    """Write log lines that carry trace and correlation ids; safe from threads."""

    def __init__(self, container: Container | None = None) -> None:
        """Make a service.

        Args:
            container: Where to look up ``clock`` and ``id_generator`` for new entries, and ``repository``, which keeps what is written;
                optional.
        """
        self._container = container
        self._keep: Keep[FlextLogEntry] = repository_writer(container, "store_log_entry")

    @never_raises
    def log(
        self,
        level: FlextLogEntry | str,
        message: str | None = None,
        attributes: Mapping[str, object] | None = None,
        /,
        **context: object,
    ) -> FlextResult[FlextLogEntry]:
        """Write an entry, or a level and a message; an entry is written once, however often it is logged.

        Args:
            level: Entry, or trace, debug, info, warning, error or critical in any case.
            message: With a level: the text of the line.
            attributes: With a level: attributes of any type.
            context: With a level: further attributes, which win.

        Returns:
            The entry; or a failure: ``invalid_log``, and those of the container's repository, though the entry has been written.
        """
        from flext_observability.domain.log_entry import FlextLogEntry

        if isinstance(level, FlextLogEntry):
            return level.validate_business_rules().map(lambda _: level).tap(_emit).flat_map(self._keep)
        return self._write(level, message or "", attributes, context)

    @never_raises
    def trace(
        self, message: str, attributes: Mapping[str, object] | None = None, /, **context: object
    ) -> FlextResult[FlextLogEntry]:
        """Write at level ``trace``; see ``log``."""
        return self._write("trace", message, attributes, context)

    @never_raises
    def debug(
        self, message: str, attributes: Mapping[str, object] | None = None, /, **context: object
    ) -> FlextResult[FlextLogEntry]:
        """Write at level ``debug``; see ``log``."""
        return self._write("debug", message, attributes, context)

    @never_raises
    def info(
        self, message: str, attributes: Mapping[str, object] | None = None, /, **context: object
    ) -> FlextResult[FlextLogEntry]:
        """Write at level ``info``; see ``log``."""
        return self._write("info", message, attributes, context)

    @never_raises
    def warning(
        self, message: str, attributes: Mapping[str, object] | None = None, /, **context: object
    ) -> FlextResult[FlextLogEntry]:
        """Write at level ``warning``; see ``log``."""
        return self._write("warning", message, attributes, context)

    @never_raises
    def error(
        self, message: str, attributes: Mapping[str, object] | None = None, /, **context: object
    ) -> FlextResult[FlextLogEntry]:
        """Write at level ``error``; see ``log``."""
        return self._write("error", message, attributes, context)

    @never_raises
    def critical(
        self, message: str, attributes: Mapping[str, object] | None = None, /, **context: object
    ) -> FlextResult[FlextLogEntry]:
        """Write at level ``critical``; see ``log``."""
        return self._write("critical", message, attributes, context)

    @never_raises
    def exception(
        self, message: str, attributes: Mapping[str, object] | None = None, /, **context: object
    ) -> FlextResult[FlextLogEntry]:
        """Write at level ``error`` with ``exception.type``, ``.message`` and ``.stacktrace`` of the exception being handled; see ``log``."""
        error = sys.exception()
        raised: dict[str, object] = {} if error is None else {**exception_attributes(error)}
        return self._write("error", message, attributes, raised | context)

    def _write(
        self, level: str, message: str, attributes: Mapping[str, object] | None, context: Mapping[str, object]
    ) -> FlextResult[FlextLogEntry]:
        given = cast("object", attributes)
        merged = {**attributes, **context} if attributes and isinstance(given, Mapping) else attributes or context
        made = entity_factory(self._container).create_log_entry(level, message, merged)
        return made.tap(_emit).flat_map(self._keep)


def _emit(entry: FlextLogEntry) -> None:
    if entry.mark_emitted():
        adapter.emit(entry)
        HOOKS.tell("on_log_created", entry)
