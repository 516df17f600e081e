"""Start, flush and shutdown of telemetry: arguments and environment → a running configuration and its handle."""

from __future__ import annotations

import os
from inspect import Parameter, Signature
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast, final

from flext_observability.api.handle import Observability
from flext_observability.api.process import active_process
from flext_observability.domain.result import FlextResult
from flext_observability.domain.setup_result import log_failed_setup
from flext_observability.extensions.registry import exporter_registry, notifier_registry, plugin_registry
from flext_observability.runtime.paused_gc import paused_gc
from flext_observability.settings.resolve import ResolvedSettings, resolve
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from typing import Unpack

    from flext_observability.domain.report import FlushReport, ShutdownReport
    from flext_observability.ops_server.pages import OpsPages
    from flext_observability.settings.arguments import InitArguments
    from flext_observability.settings.config import FlextObservabilityConfig

NOT_STARTED = "Observability is not started"
NOT_STARTED_FIX = "Call init_observability() first"


def init_observability(
    config: FlextObservabilityConfig | None = None, /, **arguments: Unpack[InitArguments]
) -> FlextResult[Observability]:
    """Start telemetry for this process, or replace the configuration of an earlier call.

    Args:
        config: All settings in one object; keyword arguments take precedence.
        **arguments: Any field of ``FlextObservabilityConfig``. A field that is not given is read from
            ``FLEXT_OBSERVABILITY_*``, then ``OTEL_*``, then its default.

    Returns:
        The handle; or a failure that names the invalid arguments and changes nothing: ``invalid_settings``,
        ``unknown_exporter``, ``unknown_plugin``, ``unknown_notifier``; or ``busy`` (another start has not ended for
        15 s), ``shortage`` (the system lacks file descriptors or memory), ``internal`` (an error of this library). A
        failure is logged as one error, too, with its fix.
        Problems with ports, files, packages, the network or environment variables do not fail the call:
        ``handle.status()`` reports them with a fix. Never raises.

    Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """
    return log_failed_setup("init_observability", _resolve_and_start(config, cast("dict[str, object]", arguments)))


def _resolve_and_start(
    config: FlextObservabilityConfig | None, arguments: dict[str, object]
) -> FlextResult[Observability]:
    try:
        with paused_gc():
            return resolve(config, arguments, os.environ).flat_map(_check_names).flat_map(_start)
    except BaseException as error:  # noqa: BLE001 - an internal error must not break the program
        reraise_interrupt(error)
        message = f"Starting failed: {describe_error(error)}"
        return FlextResult[Observability].fail(message, code="internal", fix="Report this, with the settings")


@final
class _Arguments(Signature):
    """Signature that shows the keyword arguments by name; made when ``help`` or an editor asks for it."""

    __slots__ = ()

    @property
    def parameters(self) -> MappingProxyType[str, Parameter]:
        from flext_observability.settings.arguments import InitArguments

        fields = InitArguments.__annotations__.items()
        annotations = {"config": "FlextObservabilityConfig | None", **dict(fields)}
        kinds = {"config": Parameter.POSITIONAL_ONLY}
        return MappingProxyType(
            {
                name: Parameter(name, kinds.get(name, Parameter.KEYWORD_ONLY), default=None, annotation=annotation)
                for name, annotation in annotations.items()
            }
        )


cast("Any", init_observability).__signature__ = _Arguments(return_annotation="FlextResult[Observability]")


def get_observability() -> FlextResult[Observability]:
    """Return the active handle, or a failure (code ``not_started``) before the start and after the shutdown."""
    process = active_process()
    if process.session is None:
        return FlextResult[Observability].fail(NOT_STARTED, code="not_started", fix=NOT_STARTED_FIX)
    return FlextResult.ok(Observability(process.session, process.services))


def active_pages() -> OpsPages | None:
    """Return the ops pages of the active configuration; None before the start and after the shutdown."""
    process = active_process()
    return None if process.session is None else process.session.pages(process.services)


def flush_observability(timeout_seconds: float | None = None, *, blocking: bool = False) -> FlextResult[FlushReport]:
    """Flush the active handle; see ``Observability.flush``. Failure code before the start: ``not_started``."""
    return get_observability().flat_map(lambda active: active.flush(timeout_seconds, blocking=blocking))


def shutdown_observability(
    timeout_seconds: float | None = None, *, blocking: bool = False
) -> FlextResult[ShutdownReport]:
    """Shut the active handle down; see ``Observability.shutdown``. Failure code before the start: ``not_started``."""
    return get_observability().flat_map(lambda active: active.shutdown(timeout_seconds, blocking=blocking))


def _start(settings: ResolvedSettings) -> FlextResult[Observability]:
    process = active_process()
    return process.start(settings).map(lambda session: Observability(session, process.services))


def _check_names(settings: ResolvedSettings) -> FlextResult[ResolvedSettings]:
    """Return a failure for the first unknown name that was given as an argument."""
    config, sources = settings.config, settings.sources
    named = [
        *((f"exporters.{signal}", exporter_registry().check, names) for signal, names in config.exporters.items()),
        ("plugins", plugin_registry().check, config.plugins),
        ("alert_notifiers", notifier_registry().check, config.alert_notifiers),
    ]
    checks = (check(name) for source, check, names in named if sources.get(source) == "argument" for name in names)
    failure = next((result for result in checks if result.is_failure), None)
    return FlextResult.ok(settings) if failure is None else cast("FlextResult[ResolvedSettings]", failure)
