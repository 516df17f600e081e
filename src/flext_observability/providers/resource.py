"""Settings → resource of this process."""

from __future__ import annotations

import os
import platform
import socket
import sys
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.version import __version__ as sdk_version

from flext_observability.providers.notices import Notices
from flext_observability.settings.config import FlextObservabilityConfig


def make_resource(config: FlextObservabilityConfig, instance_id: str, notices: Notices) -> Resource:
    """Return the resource of this process. Detectors that fail are notices.

    Args:
        config: Resolved configuration.
        instance_id: ``service.instance.id``, unless configured.
        notices: Receives the notices.

    Source: https://opentelemetry.io/docs/specs/semconv/resource/
    """
    resource = Resource(_process_attributes())
    for name in config.resource_detectors:
        if name != "otel":  # built in
            resource = resource.merge(_detect(name, notices))
    return resource.merge(Resource({**config.resource_attributes, **_configured_attributes(config, instance_id)}))


def _configured_attributes(config: FlextObservabilityConfig, instance_id: str) -> dict[str, str]:
    given = config.resource_attributes
    attributes = {
        "service.name": config.service_name,
        "service.version": config.service_version,
        "service.namespace": config.service_namespace,
        "service.instance.id": config.service_instance_id or given.get("service.instance.id") or instance_id,
        "deployment.environment.name": config.environment,
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": sdk_version,
    }
    return {key: value for key, value in attributes.items() if value}


def _process_attributes() -> dict[str, str | int]:
    return {
        "host.name": socket.gethostname(),
        "os.type": platform.system().lower(),
        "process.pid": os.getpid(),
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": platform.python_version(),
    }


def _detect(name: str, notices: Notices) -> Resource:
    fix = "Install its package or remove the name"
    found = notices.load("all", "resource detector", name, _call_detector, install_fix=fix)
    return Resource({}) if found is None else found


def _call_detector(detector: Any) -> Resource:  # noqa: ANN401 - code of another package
    found: object = detector().detect()
    if not isinstance(found, Resource):
        raise TypeError(f"it returned {type(found).__name__} instead of a Resource")
    return found
