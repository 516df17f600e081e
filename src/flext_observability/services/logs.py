"""Logging service: entities, or level and message → log records in the current trace (OTel API only)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast, final

from flext_observability.adapters import log_record as adapter
from flext_observability.domain.guard import never_raises
from flext_observability.domain.result import FlextResult
from flext_observability.extensions.plugins.hooks import plugin_hooks
from flext_observability.services.dependencies import Attributes, entity_factory
from flext_observability.services.repository import Persist, repository_writer
from flext_observability.values.exceptions import exception_attributes
from flext_observability.values.foreign import copy_mapping, is_a, is_mapping, is_true

if TYPE_CHECKING:
    from flext_observability.domain.container import Container
    from flext_observability.domain.log_entry import FlextLogEntry


@final
class FlextLoggingService:
    """Write log records with trace and correlation ids. Thread-safe.

    Operations return a result and never raise: an unexpected exception is the failure ``internal``.
    """

    def __init__(self, container: Container | None = None) -> None:
        """Create a service.

        Args:
            container: Optional source of ``clock`` and ``id_generator`` for new entries, and of a ``repository`` that
                stores written entries.
        """
        self._container = container
        self._persist: Persist[FlextLogEntry] = repository_writer(container, "store_log_entry")

    @never_raises
    def create(self, level: str, message: str, context: Attributes = None) -> FlextResult[FlextLogEntry]:
        """Create a log entry and write it. Arguments and failures: see ``log``."""
        return entity_factory(self._container).create_log_entry(level, message, context).flat_map(self._write)

    @never_raises
    def log(
        self,
        level: FlextLogEntry | str,
        message: str | None = None,
        attributes: Attributes = None,
        /,
        **context: object,
    ) -> FlextResult[FlextLogEntry]:
        """Write an entry, or a level and a message. An entry is written once, also when it is logged again.

        Args:
            level: Entry, or ``trace``, ``debug``, ``info``, ``warning``, ``error`` or ``critical`` in any case. The
                other arguments apply to a level only.
            message: Text of the line.
            attributes: Attributes of any type.
            context: Further attributes. They take precedence.

        Returns:
            The entry; or a failure: ``invalid_log``, or one of the container's repository (the entry has been written).
        """
        from flext_observability.domain.log_entry import FlextLogEntry

        if is_a(level, FlextLogEntry):
            return level.validate_business_rules().flat_map(lambda _: self._write(level))
        return self._create(cast("str", level), "" if message is None else message, attributes, context)

    def trace(self, message: str, attributes: Attributes = None, /, **context: object) -> FlextResult[FlextLogEntry]:
        """Write at level ``trace``. See ``log``."""
        return self._create("trace", message, attributes, context)

    def debug(self, message: str, attributes: Attributes = None, /, **context: object) -> FlextResult[FlextLogEntry]:
        """Write at level ``debug``. See ``log``."""
        return self._create("debug", message, attributes, context)

    def info(self, message: str, attributes: Attributes = None, /, **context: object) -> FlextResult[FlextLogEntry]:
        """Write at level ``info``. See ``log``."""
        return self._create("info", message, attributes, context)

    def warning(self, message: str, attributes: Attributes = None, /, **context: object) -> FlextResult[FlextLogEntry]:
        """Write at level ``warning``. See ``log``."""
        return self._create("warning", message, attributes, context)

    def error(self, message: str, attributes: Attributes = None, /, **context: object) -> FlextResult[FlextLogEntry]:
        """Write at level ``error``. See ``log``."""
        return self._create("error", message, attributes, context)

    def critical(self, message: str, attributes: Attributes = None, /, **context: object) -> FlextResult[FlextLogEntry]:
        """Write at level ``critical``. See ``log``."""
        return self._create("critical", message, attributes, context)

    @never_raises
    def exception(
        self, message: str, attributes: Attributes = None, /, **context: object
    ) -> FlextResult[FlextLogEntry]:
        """Write at level ``error`` with the attributes ``exception.*`` of the exception being handled. See ``log``."""
        error = sys.exception()
        exception: dict[str, object] = {} if error is None else {**exception_attributes(error)}
        return self._create("error", message, attributes, exception | context)

    @never_raises
    def _create(
        self, level: str, message: str, attributes: Attributes, context: Mapping[str, object]
    ) -> FlextResult[FlextLogEntry]:
        if is_mapping(attributes):
            merged: object = (
                {**cast("dict[str, object]", copy_mapping(attributes)), **context} if context else attributes
            )
        else:
            merged = attributes if is_true(attributes) else context
        return self.create(level, message, cast("Attributes", merged))

    def _write(self, entry: FlextLogEntry) -> FlextResult[FlextLogEntry]:
        if entry.mark_emitted():
            adapter.emit_entry(entry)
            plugin_hooks().dispatch("on_log_created", entry)
        return self._persist(entry)
