"""What the active session is connected to: services, the standard library's logging, other libraries."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Any, Final, final

from flext_observability.domain.report import SIGNALS
from flext_observability.runtime.bounded_call import BoundedCall, call_at_start

if TYPE_CHECKING:
    from flext_observability.api.service_group import ServiceGroup
    from flext_observability.providers.bootstrap import Pipeline

UNINSTRUMENT_SECONDS: Final = 5.0
"""Limit of switching off the instrumentation of libraries while telemetry starts."""
MIN_SECONDS: Final = 0.2
"""Time for it at the end, also after the deadline."""
_LIBRARIES: Final = "flext_observability.instrumentation.libraries"  # imported when a setting names one
_UNINSTRUMENT: Final = "switching off the instrumentation of libraries"


@final
class Integrations:
    """Disconnects the active session when it ends."""

    __slots__ = ("_libraries", "_services")

    def __init__(self, services: ServiceGroup) -> None:
        self._services = services
        self._libraries: BoundedCall[None] | None = None

    def begin_detach(self, deadline: float) -> None:
        """Discard telemetry from now on, and send pending notifications immediately."""
        from flext_observability.instrumentation.logging import bridge
        from flext_observability.providers.global_providers import global_providers

        bridge.uninstall()
        global_providers().disable(*SIGNALS)
        libraries = _used_libraries()
        if libraries is not None:
            self._libraries = BoundedCall(_UNINSTRUMENT, libraries.uninstrument)
        self._services.begin_drain(deadline)

    def end_detach(self, deadline: float) -> tuple[str, ...]:
        """End all background work by ``deadline`` (monotonic seconds), and return what has not ended."""
        self._services.disconnect(deadline)
        call = self._libraries
        return () if call is None or call.wait(max(deadline, time.monotonic() + MIN_SECONDS)) else (call.what,)

    def detach(self, deadline: float) -> None:
        """Do both steps."""
        self.begin_detach(deadline)
        self.end_detach(deadline)


def attach(pipeline: Pipeline) -> None:
    """Connect the standard library's logging and the libraries that the settings name."""
    from flext_observability.instrumentation.logging import bridge

    config = pipeline.config
    if config.internal_log_level:
        for name in ("opentelemetry", "flext_observability"):
            logging.getLogger(name).setLevel(config.internal_log_level)
    if config.logs_enabled and not config.disabled:
        bridge.install(config.log_level, on_console="console" in pipeline.exporters.names("logs"))
    else:
        bridge.uninstall()
    used = _used_libraries()
    if used is not None:
        call_at_start(_UNINSTRUMENT, used.uninstrument, UNINSTRUMENT_SECONDS)
    if config.instrument and not config.disabled:
        from flext_observability.instrumentation import libraries

        found = libraries.instrument(config.instrument, asgi_message_spans=config.asgi_message_spans)
        pipeline.notices.extend(found)


def _used_libraries() -> Any:  # noqa: ANN401 - a module
    """Return the module that instruments libraries while it does so."""
    module: Any = sys.modules.get(_LIBRARIES)
    return module if module is not None and module.any_active() else None
