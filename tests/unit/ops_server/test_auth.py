from __future__ import annotations

from base64 import b64encode

import pytest

from flext_observability.ops_server.auth import Credentials

TOKEN, BASIC = Credentials(token="tökén"), Credentials(username="me", password="pass:wörd")


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


def as_latin1(text: str) -> str:
    return text.encode().decode("latin-1")


def test_no_credentials_are_required_by_default() -> None:
    assert (Credentials().required, Credentials().authorize(""), Credentials().challenge) == (False, True, "")


@pytest.mark.parametrize(
    ("credentials", "header", "authorized"),
    [
        (TOKEN, as_latin1("Bearer tökén"), True),
        (TOKEN, as_latin1("bearer   tökén  "), True),
        (TOKEN, "Bearer token", False),
        (TOKEN, "Bearer", False),
        (TOKEN, "", False),
        (TOKEN, as_latin1("tökén"), False),
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
def test_header_is_checked(credentials: Credentials, header: str, authorized: bool) -> None:
    assert credentials.authorize(header) is authorized


def test_challenge_names_the_accepted_schemes() -> None:
    assert TOKEN.challenge == 'Bearer realm="flext-observability"'
    assert BASIC.challenge == 'Basic realm="flext-observability", charset="UTF-8"'
    assert Credentials("t", "u").challenge.count("realm") == 2


def test_repr_contains_no_secrets() -> None:
    assert "tökén" not in repr(TOKEN)
