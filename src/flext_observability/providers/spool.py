"""Settings and exporters → the spool, and what each worker has of it. Nothing is read or written at the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from flext_observability.domain.report import Notice
from flext_observability.extensions.ports import IdentifiedExporter, RequestExporter
from flext_observability.pipeline.redaction.exporter import RedactBatch, RedactingRequests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flext_observability.domain.report import Signal
    from flext_observability.extensions.ports import SignalExporter
    from flext_observability.pipeline.spool.session import SpoolSession
    from flext_observability.pipeline.spool.worker_spool import WorkerSpool
    from flext_observability.settings.config import FlextObservabilityConfig

_OFF_IN: Final = frozenset({"", "dev", "development", "local", "test", "testing", "ci", "demo"})
"""Environments in which the spool is off unless the settings say otherwise."""


def is_spooling(config: FlextObservabilityConfig) -> bool:
    """Return whether the settings, or the kind of environment, ask for a spool."""
    if config.disabled:
        return False
    return config.environment.lower() not in _OFF_IN if config.spool is None else config.spool


def make_spool(config: FlextObservabilityConfig) -> SpoolSession | None:
    """Return the spool of a configuration; None if it is off. Does no I/O."""
    if not is_spooling(config) or os.name != "posix":
        return None
    from flext_observability.pipeline.spool.folders import service_folder
    from flext_observability.pipeline.spool.session import SpoolSession
    from flext_observability.pipeline.spool.store import Spool

    folder = service_folder(spool_directory(config), config.service_name)
    return SpoolSession(Spool(folder, max_bytes=config.spool_max_bytes, max_age_seconds=config.spool_max_age_seconds))


def spool_directory(config: FlextObservabilityConfig, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of the spools of all services."""
    from pathlib import Path

    if config.spool_directory:
        return Path(config.spool_directory).expanduser().absolute()
    state = environ.get("XDG_STATE_HOME") or ""
    base = Path(state) if Path(state).is_absolute() else Path("~/.local/state").expanduser()
    return base.absolute() / "flext-observability" / "spool"


def spooled_exporter(
    session: SpoolSession | None, signal: Signal, exporter: SignalExporter[Any]
) -> SignalExporter[Any]:
    """Return the exporter of a worker: with a spool, one that stores requests where it can."""
    if session is None:
        return exporter
    from flext_observability.exporters.requests import request_exporter

    return request_exporter(exporter, signal)


def worker_spool(
    session: SpoolSession | None,
    signal: Signal,
    name: str,
    exporter: SignalExporter[Any],
    redact: RedactBatch,
    *,
    while_down: bool,
) -> WorkerSpool[Any] | None:
    """Return the spool of the worker of an exporter; None if there is none, or the exporter stores nothing."""
    if session is None or not isinstance(exporter, RequestExporter):
        return None
    from flext_observability.pipeline.spool.worker_spool import WorkerSpool

    requests = RedactingRequests(exporter, redact)
    return WorkerSpool(session, signal, name, _address(exporter), requests, while_down=while_down)


def spool_notices(session: SpoolSession | None) -> Iterator[Notice]:
    """Yield what the status says about the spool."""
    if session is None:
        return
    usage = session.store.usage()
    if usage.problem:
        fix = "Free space or correct the permissions, or set spool_directory (FLEXT_OBSERVABILITY_SPOOL_DIRECTORY)"
        yield Notice("all", f"The spool cannot be written: {usage.problem}", fix, degrades=True)
    else:
        yield Notice("all", f"What cannot be sent is kept in {usage.folder}", "Set spool=False to keep nothing")


def _address(exporter: SignalExporter[Any]) -> str:
    if not isinstance(exporter, IdentifiedExporter):
        return ""
    identity = exporter.identity
    return f"{identity.host}:{identity.port}"
