"""The Pushgateway's address: where it puts the exporter, and what is said of it."""

from __future__ import annotations

import pytest

from flext_observability.settings.resolve import ResolvedSettings, resolve

ADDRESS = "http://gateway:9091"
VARIABLE = {"PROMETHEUS_PUSH_GATEWAY": ADDRESS}


def resolved(environ: dict[str, str], /, **arguments: object) -> ResolvedSettings:
    return resolve(None, {"service_name": "s", "console": False, **arguments}, environ).unwrap()


def test_by_variable_and_by_argument_it_joins_the_metrics_exporters() -> None:
    for settings in (resolved(VARIABLE), resolved({}, push_gateway=ADDRESS)):
        assert settings.config.push_gateway == ADDRESS
        assert settings.config.exporters == {
            "traces": ("otlp_http",),
            "metrics": ("otlp_http", "pushgateway"),
            "logs": ("otlp_http",),
        }


def test_it_joins_what_a_variable_names() -> None:
    assert resolved({**VARIABLE, "OTEL_METRICS_EXPORTER": "none"}).config.exporters["metrics"] == ("pushgateway",)
    assert resolved({**VARIABLE, "OTEL_METRICS_EXPORTER": "pushgateway"}).config.exporters["metrics"] == (
        "pushgateway",
    )


def test_an_argument_that_names_the_metrics_exporters_is_complete() -> None:
    settings = resolved(VARIABLE, exporters="otlp")
    assert settings.config.exporters["metrics"] == ("otlp_http",)
    (notice,) = settings.notices
    assert notice.message == (
        "Nothing is pushed to the Pushgateway: PROMETHEUS_PUSH_GATEWAY names one, and exporters does not"
    )
    assert not notice.degrades
    named = resolved(VARIABLE, exporters={"metrics": ["pushgateway"]})
    assert (named.config.exporters["metrics"], named.notices) == (("pushgateway",), ())


def test_an_argument_that_names_other_exporters_leaves_it() -> None:
    assert "pushgateway" in resolved(VARIABLE, exporters={"traces": "none"}).config.exporters["metrics"]


def test_metrics_that_are_off_stay_off() -> None:
    assert resolved(VARIABLE, metrics_enabled=False).config.exporters["metrics"] == ()


@pytest.mark.parametrize("text", ["http://", "ftp://me:secret@gateway", "me:secret@gateway:port", "http://a b"])
def test_a_wrong_variable_is_noted_with_its_fix_and_no_password(text: str) -> None:
    settings = resolved({"PROMETHEUS_PUSH_GATEWAY": text})
    assert settings.config.exporters["metrics"] == ("otlp_http",)
    (notice,) = settings.notices
    assert notice.degrades
    assert "an address like http://localhost:9091" in notice.fix
    assert "secret" not in f"{notice}"


def test_a_wrong_argument_fails_without_its_password() -> None:
    failed = resolve(None, {"push_gateway": "me:secret@gateway:port"}, {})
    assert failed.code == "invalid_settings"
    assert "'***@gateway:port'" in (failed.error or "")


def test_the_password_shows_in_no_repr() -> None:
    assert "secret" not in repr(resolved({}, push_gateway="me:secret@gateway").config)
