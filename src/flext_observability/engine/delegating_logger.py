"""Logger calls → whatever logger provider stands behind (stable proxies for OTel's global)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from opentelemetry._logs import Logger, LoggerProvider, NoOpLogger, NoOpLoggerProvider

from flext_observability.runtime.locks import ForkSafeLock

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes


class DelegatingLogger(Logger):
    """A logger that outlives the provider it came from."""

    def __init__(self, name: str, version: str | None, schema_url: str | None, attributes: Attributes) -> None:
        super().__init__(name, version, schema_url, attributes)
        self._scope = (name, version, schema_url, attributes)
        self._delegate: Logger = NoOpLogger(name)

    def set_delegate(self, provider: LoggerProvider) -> None:
        """Take the logger of the same scope from another provider."""
        self._delegate = provider.get_logger(*self._scope)

    def emit(self, *args: Any, **options: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # two overloads
        """Emit with the provider of the moment; same contract as OTel's ``Logger.emit``."""
        self._delegate.emit(*args, **options)

    def enabled(self, **options: Any) -> bool:
        """Whether a record like this would be kept; SDKs that cannot tell keep all."""
        ask = getattr(self._delegate, "enabled", None)
        return True if ask is None else bool(ask(**options))


class DelegatingLoggerProvider(LoggerProvider):
    """The provider that stands in OTel's global for the life of the process; ``set_delegate`` swaps what is behind it."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._loggers: WeakSet[DelegatingLogger] = WeakSet()
        self._delegate: LoggerProvider = NoOpLoggerProvider()

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> DelegatingLogger:
        """Return a logger that follows every later swap."""
        logger = DelegatingLogger(name, version, schema_url, attributes)
        with self._lock:
            logger.set_delegate(self._delegate)
            self._loggers.add(logger)
        return logger

    def set_delegate(self, provider: LoggerProvider) -> None:
        """Send all loggers, handed out before and after, to this provider."""
        with self._lock:
            self._delegate = provider
            for logger in list(self._loggers):
                logger.set_delegate(provider)

    def __getattr__(self, name: str) -> object:
        """Answer what SDK providers have beyond the API (``resource`` …) from the one behind."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._delegate, name)
