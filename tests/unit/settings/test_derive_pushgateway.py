"""The endpoint of the Pushgateway adds its exporter."""

from __future__ import annotations

import pytest

from flext_observability.settings.resolve import ResolvedSettings, resolve

URL = "http://gateway:9091"
VARIABLE = {"PROMETHEUS_PUSH_GATEWAY": URL}


def resolved(environ: dict[str, str], /, **arguments: object) -> ResolvedSettings:
    return resolve(None, {"service_name": "s", "console": False, **arguments}, environ).unwrap()


def test_pushgateway_is_added_to_the_metrics_exporters() -> None:
    for settings in (resolved(VARIABLE), resolved({}, push_gateway=URL)):
        assert settings.config.push_gateway == URL
        assert settings.config.endpoints["push_gateway"].url == URL
        assert settings.config.exporters == {
            "traces": ("otlp_http",),
            "metrics": ("otlp_http", "pushgateway"),
            "logs": ("otlp_http",),
        }


def test_pushgateway_is_added_to_the_exporters_of_a_variable() -> None:
    assert resolved({**VARIABLE, "OTEL_METRICS_EXPORTER": "none"}).config.exporters["metrics"] == ("pushgateway",)
    assert resolved({**VARIABLE, "OTEL_METRICS_EXPORTER": "pushgateway"}).config.exporters["metrics"] == (
        "pushgateway",
    )


def test_pushgateway_is_not_added_to_the_metrics_exporters_of_an_argument() -> None:
    settings = resolved(VARIABLE, exporters="otlp")
    assert settings.config.exporters["metrics"] == ("otlp_http",)
    (notice,) = settings.notices
    assert notice.message == (
        "The Pushgateway of PROMETHEUS_PUSH_GATEWAY is not used: exporters does not name 'pushgateway'"
    )
    assert not notice.degrades
    named = resolved(VARIABLE, exporters={"metrics": ["pushgateway"]})
    assert (named.config.exporters["metrics"], named.notices) == (("pushgateway",), ())


def test_pushgateway_is_added_when_an_argument_names_other_exporters() -> None:
    assert "pushgateway" in resolved(VARIABLE, exporters={"traces": "none"}).config.exporters["metrics"]


def test_pushgateway_is_not_added_to_disabled_metrics() -> None:
    assert resolved(VARIABLE, metrics_enabled=False).config.exporters["metrics"] == ()


@pytest.mark.parametrize("text", ["http://", "ftp://me:secret@gateway", "me:secret@gateway:port", "http://a b"])
def test_invalid_variable_is_a_notice_without_the_password(text: str) -> None:
    settings = resolved({"PROMETHEUS_PUSH_GATEWAY": text})
    assert settings.config.exporters["metrics"] == ("otlp_http",)
    (notice,) = settings.notices
    assert notice.degrades
    assert "it must be an endpoint like http://localhost:9091" in notice.message
    assert "secret" not in f"{notice}"


def test_invalid_argument_fails_without_the_password() -> None:
    failed = resolve(None, {"push_gateway": "me:secret@gateway:port"}, {})
    assert failed.code == "invalid_settings"
    assert "'***@gateway:port'" in (failed.error or "")


def test_repr_hides_the_password() -> None:
    assert "secret" not in repr(resolved({}, push_gateway="me:secret@gateway").config)
