"""Resource: settings have precedence over detectors, detectors over process attributes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flext_observability.providers.notices import Notices
from flext_observability.providers.resource import make_resource
from flext_observability.settings.config import FlextObservabilityConfig

Settings = Callable[..., FlextObservabilityConfig]

DETECTORS = """
from opentelemetry.sdk.resources import Resource, ResourceDetector

class Found(ResourceDetector):
    def detect(self):
        return Resource({"host.name": "from-detector", "cloud.region": "north"})

class Broken(ResourceDetector):
    def detect(self):
        raise OSError("no metadata service")

class Leaving(ResourceDetector):
    def detect(self):
        raise SystemExit(3)

class Wrong(ResourceDetector):
    def detect(self):
        return {"cloud.region": "south"}
"""


def test_standard_attributes(settings: Settings, notices: Notices) -> None:
    config = settings(service_name="shop", service_version="1.2", service_namespace="eu", environment="staging")
    attributes = make_resource(config, "id-1", notices).attributes
    assert attributes["service.name"] == "shop"
    assert attributes["service.version"] == "1.2"
    assert attributes["service.namespace"] == "eu"
    assert attributes["deployment.environment.name"] == "staging"
    assert attributes["service.instance.id"] == "id-1"
    assert attributes["telemetry.sdk.language"] == "python"
    assert attributes["process.pid"] == os.getpid()


def test_default_service_name(settings: Settings, notices: Notices) -> None:
    assert str(make_resource(settings(), "id-1", notices).attributes["service.name"]).startswith("unknown_service")


def test_empty_settings_are_not_attributes(settings: Settings, notices: Notices) -> None:
    attributes = make_resource(settings(service_name="shop"), "id-1", notices).attributes
    assert "service.version" not in attributes
    assert "deployment.environment.name" not in attributes


def test_configured_instance_id_has_precedence(settings: Settings, notices: Notices) -> None:
    attributes = make_resource(settings(service_instance_id="pod-3"), "id-1", notices).attributes
    assert attributes["service.instance.id"] == "pod-3"


def test_further_attributes(settings: Settings, notices: Notices) -> None:
    config = settings(service_name="shop", resource_attributes={"team": "tea", "host.name": "given"})
    attributes = make_resource(config, "id-1", notices).attributes
    assert (attributes["team"], attributes["host.name"]) == ("tea", "given")


def test_installed_detectors(
    settings: Settings, notices: Notices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.installed import install

    names = {"cloudy": "Found", "broken": "Broken", "leaving": "Leaving", "wrong": "Wrong"}
    points = {"opentelemetry_resource_detector": {name: f"cloudy_detectors:{target}" for name, target in names.items()}}
    install(tmp_path, monkeypatch, "cloudy_detectors", DETECTORS, points)
    config = settings(resource_detectors=["otel", *names, "absent"])
    attributes = make_resource(config, "id-1", notices).attributes
    assert (attributes["host.name"], attributes["cloud.region"]) == ("from-detector", "north")
    messages = [notice.message for notice in notices.all()]
    assert messages == [
        "The resource detector 'broken' failed: OSError: no metadata service",
        "The resource detector 'leaving' failed: SystemExit: 3",
        "The resource detector 'wrong' failed: TypeError: it returned dict instead of a Resource",
        "The resource detector 'absent' is not installed",
    ]
    assert all(notice.fix and notice.degrades for notice in notices.all())
