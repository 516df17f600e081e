"""Pins of versions in .env, manifest, compose file and table of parts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitoring.native.parts import COLLECTOR, JAEGER, PARTS, PROMETHEUS, Part
from monitoring.validation.pins import module_version
from tests.monitoring.validation.copies import Copy

MANIFEST = "monitoring/collector/manifest.yaml"
COMPOSE = "docker-compose.monitoring.yml"
RUNNER = "monitoring/native/grafana.py"


def test_the_shipped_pins_agree(copy: Copy) -> None:
    assert copy.faults("pins", "images") == []


def test_a_wrong_tag_names_the_pin_and_the_other_files(copy: Copy) -> None:
    line = copy.change(".env", f"JAEGER_TAG={JAEGER.tag}", "JAEGER_TAG=2.99.0")
    (fault,) = copy.faults("pins")
    assert str(fault) == (
        f".env:{line}: JAEGER_TAG: 2.99.0 is not the pin {JAEGER.tag} of monitoring/native/parts.py. "
        f"Set JAEGER_TAG={JAEGER.tag}, or change both and {MANIFEST}."
    )


def test_a_wrong_name_is_an_unknown_tag_and_a_missing_one(copy: Copy) -> None:
    line = copy.change(".env", "JAEGER_TAG", "JAGER_TAG")
    unknown, missing = copy.faults("pins of .env")
    assert (unknown.line, unknown.action) == (line, 'Use "JAEGER_TAG", or remove it')
    assert (missing.what, missing.action) == ("JAEGER_TAG", f"Add JAEGER_TAG={JAEGER.tag}")


def test_a_line_without_a_value_and_a_repeated_one_are_faults(copy: Copy) -> None:
    line = copy.change(".env", "JAEGER_TAG=", "JAEGER_TAG=2\nJAEGER_TAG ")
    first, second, *_ = copy.faults("pins of .env")
    assert (first.line, second.line) == (line, line + 1)
    assert second.action == "Write NAME=VALUE without spaces"
    copy.change(".env", "JAEGER_TAG ", "JAEGER_TAG=")
    assert f"line {line} sets it as well" in str(copy.faults("pins of .env")[1])


def test_a_byte_order_mark_in_the_env_file_is_a_fault(copy: Copy) -> None:
    copy.write(".env", "\ufeff" + copy.text(".env"))
    (fault,) = copy.faults("pins of .env")
    assert fault.action == "Save it as UTF-8 without a byte order mark"


def test_line_ends_of_windows_in_the_env_file_are_accepted(copy: Copy) -> None:
    content = copy.path(".env").read_bytes().replace(b"\n", b"\r\n")
    copy.path(".env").write_bytes(content)
    assert copy.faults("pins of .env") == []


def test_a_missing_env_file_is_a_fault(copy: Copy) -> None:
    copy.path(".env").unlink()
    (fault,) = copy.faults("pins of .env")
    assert (fault.file, fault.action) == (".env", "Restore it: git checkout -- .env")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (f"version: {COLLECTOR.version}", "version: 0.1.0", "dist.version"),
        (f"otlpreceiver v{COLLECTOR.version}", "otlpreceiver v0.1.0", "otlpreceiver"),
        (f"otlpreceiver v{COLLECTOR.version}", "otlpreceiver", "otlpreceiver"),
        ("envprovider v", "envprovider v9", "provider v9"),
    ],
)
def test_a_wrong_version_in_the_manifest_has_a_line(copy: Copy, old: str, new: str, what: str) -> None:
    line = copy.change(MANIFEST, old, new)
    (fault,) = copy.faults(f"pins of {MANIFEST}")
    assert (fault.file, fault.line) == (MANIFEST, line)
    assert fault.what.startswith(what)
    assert fault.action.startswith("Set ")


@pytest.mark.parametrize(
    ("old", "new", "action"),
    [
        ('prometheus:${PROMETHEUS_TAG:?is set in .env}\n    user: "65534', 'prometheus:v3.0.0\n    user: "65534',
         "Write prom/prometheus:${PROMETHEUS_TAG:?is set in .env}"),
        ("jaegertracing/jaeger:", "jaegertracing/jager:", 'Use "jaegertracing/jaeger"'),
    ],
)  # fmt: skip
def test_an_image_without_its_pin_has_a_line(copy: Copy, old: str, new: str, action: str) -> None:
    line = copy.change(COMPOSE, old, new)
    (fault,) = copy.faults(f"images of {COMPOSE}")
    assert (fault.file, fault.line, fault.action) == (COMPOSE, line, action)


def test_an_image_of_kubernetes_has_the_pin(copy: Copy) -> None:
    file = "monitoring/scale/kubernetes/base/kustomization.yaml"
    line = copy.change(file, f"newTag: {COLLECTOR.tag}", "newTag: 0.1.0")
    (fault,) = copy.faults("images of the manifests")
    assert (fault.file, fault.line, fault.action) == (file, line, f"Set newTag: {COLLECTOR.tag}")


def test_a_plug_in_has_one_version(copy: Copy) -> None:
    line = copy.change(RUNNER, "victoriametrics-logs-datasource@", "victoriametrics-logs-datasource@9")
    (fault,) = copy.faults("plug-ins")
    assert (fault.file, fault.line) == (RUNNER, line)


@pytest.mark.parametrize("part", [part for part in PARTS if part.build], ids=lambda part: part.name)
def test_each_module_is_the_release_of_its_part(part: Part) -> None:
    assert part.build is not None
    assert module_version(part) == part.build.version
    assert module_version(replace(part, version="9.9.9")) != part.build.version


def test_prometheus_counts_its_module_differently() -> None:
    assert PROMETHEUS.build is not None
    assert module_version(PROMETHEUS).startswith("v0.3")
