"""Logger provider for OTel's global, and its loggers. They forward calls to a replaceable delegate."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from opentelemetry._logs import Logger, LoggerProvider, NoOpLogger, NoOpLoggerProvider

from flext_observability.engine.added_parts import added_parts
from flext_observability.engine.contained_processor import contain_added
from flext_observability.engine.logger import EngineLogger
from flext_observability.engine.unusable import unusable_parts
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes

Add = Callable[[Any], object]
"""Adds a log record processor."""


class DelegatingLogger(Logger):
    """Logger with a replaceable delegate.

    Attributes:
        engine: The delegate if it is of the engine.
    """

    def __init__(self, name: str, version: str | None, schema_url: str | None, attributes: Attributes) -> None:
        super().__init__(name, version, schema_url, attributes)
        self._scope = (name, version, schema_url, attributes)
        self._delegate: Logger = NoOpLogger(name)
        self.engine: EngineLogger | None = None

    def set_delegate(self, provider: LoggerProvider) -> None:
        """Replace the delegate with the logger of the same scope from another provider."""
        try:
            delegate: Logger = provider.get_logger(*self._scope)
            emit = delegate.emit
        except BaseException as error:  # noqa: BLE001 - a provider may raise anything; the other loggers are created
            reraise_interrupt(error)
            unusable_parts().add("logs", "logger", self._scope[0], error)
            delegate = NoOpLogger("unusable")
            emit = delegate.emit
        self._delegate = delegate
        self.engine = delegate if isinstance(delegate, EngineLogger) else None
        vars(self)["emit"] = emit  # a call of the program reaches the delegate without a frame of ours

    def emit(self, *args: Any, **options: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # overload
        """Emit a record. See OTel's ``Logger.emit``."""
        self._delegate.emit(*args, **options)

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the delegate that the API does not have, such as ``resource``."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._delegate, name)

    def enabled(self, **options: Any) -> bool:
        """Return whether such a record is processed. Old SDKs, without this method, process all records."""
        enabled = getattr(self._delegate, "enabled", None)
        return True if enabled is None else bool(enabled(**options))


class DelegatingLoggerProvider(LoggerProvider):
    """Provider for OTel's global. It lives as long as the process; ``set_delegate`` replaces its delegate."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._loggers: WeakSet[DelegatingLogger] = WeakSet()
        self._delegate: LoggerProvider = NoOpLoggerProvider()
        self._add: Add | None = None

    def get_logger(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Attributes = None
    ) -> DelegatingLogger:
        """Return a logger that follows the delegate."""
        logger = DelegatingLogger(name, version, schema_url, attributes)
        with self._lock:
            logger.set_delegate(self._delegate)
            self._loggers.add(logger)
        return logger

    def set_delegate(self, provider: LoggerProvider, add: Add | None = None) -> None:
        """Replace the delegate, for existing and new loggers. It gets the processors that the program has added.

        Args:
            provider: The new delegate.
            add: Adds a processor to it; None for the method of ``provider``.
        """
        with self._lock:
            unusable_parts().clear("logs")
            self._delegate = provider
            self._add = add or getattr(provider, "add_log_record_processor", None)
            for processor in added_parts().of("logs"):
                if self._add is not None:
                    self._add(processor)
            for logger in list(self._loggers):
                logger.set_delegate(provider)

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the delegate that the API does not have, such as ``resource``."""
        if name.startswith("_"):
            raise AttributeError(name)
        if name == "add_log_record_processor" and self._add is not None:
            return contain_added(self._add, "logs")
        return getattr(self._delegate, name)
