"""The endpoints of alert notifiers are checked when settings are resolved."""

from __future__ import annotations

import pytest

from flext_observability.settings.resolve import resolve

SETTINGS = ("alertmanager_url", "alert_webhook_url")


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("text", ["http://", "ftp://me:secret@x", "http://me:secret@x:port", "http://a b"])
def test_invalid_endpoint(name: str, text: str) -> None:
    failed = resolve(None, {name: text}, {})
    assert failed.code == "invalid_settings"
    assert (failed.message or "").startswith(f"Invalid settings: {name} must be an endpoint like http")
    variable = f"FLEXT_OBSERVABILITY_{name.upper()}"
    settings = resolve(None, {"service_name": "s"}, {variable: text}).unwrap()
    (notice,) = settings.notices
    assert variable in notice.message
    assert getattr(settings.config, name) == ""
    assert name not in settings.config.endpoints
    assert "secret" not in f"{failed.error} {notice}"


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(
    ("text", "url"), [("localhost:9093", "localhost:9093"), ("https://me:secret@x/prefix", "https://x/prefix")]
)
def test_valid_endpoint_is_kept_as_given_and_parsed(name: str, text: str, url: str) -> None:
    config = resolve(None, {name: text}, {}).unwrap().config
    assert getattr(config, name) == text
    assert config.endpoints[name].url == url


@pytest.mark.parametrize("name", SETTINGS)
def test_empty_endpoint(name: str) -> None:
    config = resolve(None, {name: ""}, {}).unwrap().config
    assert getattr(config, name) == ""
    assert config.endpoints == {}
