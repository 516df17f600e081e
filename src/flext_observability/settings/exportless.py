"""Resolved settings → the same settings for a process that sends and serves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flext_observability.settings.config import set_fields, with_defaults

if TYPE_CHECKING:
    from flext_observability.settings.resolve import ResolvedSettings

_OFF: Final = {
    "exporters": {"traces": (), "metrics": (), "logs": ()},
    "disabled": False,
    "metrics_enabled": True,
    "console": False,
    "instrument": (),
    "plugins": (),
    "alertmanager_url": "",
    "alert_webhook_url": "",
    "alert_notifiers": (),
    "metrics_directory": "",
    "self_metrics": False,
}


def without_exports(settings: ResolvedSettings) -> ResolvedSettings:
    """Return settings that aggregate metrics, and start no exporter, server, notifier, plug-in or instrumentation."""
    return settings._replace(config=with_defaults(set_fields(settings.config) | _OFF))
