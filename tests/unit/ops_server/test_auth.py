from __future__ import annotations

from base64 import b64encode

import pytest

from flext_observability.ops_server.auth import Credentials

TOKEN, BASIC = Credentials(token="tökén"), Credentials(username="me", password="pass:wörd")


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


def on_the_wire(text: str) -> str:
    return text.encode().decode("latin-1")


def test_nothing_is_asked_by_default() -> None:
    assert (Credentials().asked, Credentials().allow(""), Credentials().challenge) == (False, True, "")


@pytest.mark.parametrize(
    ("asked", "header", "allowed"),
    [
        (TOKEN, on_the_wire("Bearer tökén"), True),
        (TOKEN, on_the_wire("bearer   tökén  "), True),
        (TOKEN, "Bearer token", False),
        (TOKEN, "Bearer", False),
        (TOKEN, "", False),
        (TOKEN, on_the_wire("tökén"), False),
        (TOKEN, basic(":"), False),
        (BASIC, basic("me:pass:wörd"), True),
        (BASIC, basic("me:pass"), False),
        (BASIC, basic("you:pass:wörd"), False),
        (BASIC, "Basic !!!", False),
        (BASIC, "Basic ☕", False),
        (BASIC, "Bearer ", False),
        (BASIC, "Bearer me:pass:wörd", False),
        (Credentials(password="p"), basic(":p"), True),
        (Credentials("t", "u", "p"), "Bearer t", True),
        (Credentials("t", "u", "p"), basic("u:p"), True),
        (Credentials("\ud800"), "Bearer ?", False),
    ],
)
def test_a_header_is_enough_or_not(asked: Credentials, header: str, allowed: bool) -> None:
    assert asked.allow(header) is allowed


def test_the_challenge_names_what_is_accepted() -> None:
    assert TOKEN.challenge == 'Bearer realm="flext-observability"'
    assert BASIC.challenge == 'Basic realm="flext-observability", charset="UTF-8"'
    assert Credentials("t", "u").challenge.count("realm") == 2


def test_secrets_stay_out_of_the_representation() -> None:
    assert "tökén" not in repr(TOKEN)
