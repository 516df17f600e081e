"""The addresses that alerts are sent to: checked at the start, like all others."""

from __future__ import annotations

import pytest

from flext_observability.settings.resolve import resolve

SETTINGS = ("alertmanager_url", "alert_webhook_url")


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("text", ["http://", "ftp://me:secret@x", "http://me:secret@x:port", "http://a b"])
def test_one_that_no_alert_can_be_sent_to_fails_as_an_argument_and_is_noted_as_a_variable(name: str, text: str) -> None:
    failed = resolve(None, {name: text}, {})
    assert failed.code == "invalid_settings"
    assert (failed.error or "").startswith(f"{name} must be an address like http")
    variable = f"FLEXT_OBSERVABILITY_{name.upper()}"
    settings = resolve(None, {"service_name": "s"}, {variable: text}).unwrap()
    (notice,) = settings.notices
    assert variable in notice.message
    assert getattr(settings.config, name) == ""
    assert "secret" not in f"{failed.error} {notice}"


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("text", ["localhost:9093", "https://me:secret@x/prefix", ""])
def test_any_other_is_kept_as_given(name: str, text: str) -> None:
    assert getattr(resolve(None, {name: text}, {}).unwrap().config, name) == text
