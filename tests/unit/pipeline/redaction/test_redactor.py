from __future__ import annotations

from collections import OrderedDict, UserDict
from decimal import Decimal
from typing import Any

import pytest

from flext_observability.pipeline.redaction.allowed import Allowed
from flext_observability.pipeline.redaction.marker import FAILED, MarkerFactory, is_marker
from flext_observability.pipeline.redaction.redactor import Hits, Redactor
from flext_observability.pipeline.redaction.rule_names import DEFAULT_RULES
from tests.redaction_corpus import HARMLESS_NAMES, SECRET_NAMES


def redactor(*allowed: str, names: tuple[str, ...] = DEFAULT_RULES) -> Redactor:
    return Redactor(names, MarkerFactory("k"), Allowed(allowed))


def named(name: str, value: object, *allowed: str) -> Any:
    return redactor(*allowed).named(name, value, [])


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("value", ["x", "hunter2", 1234, 1.5, b"\xff1", Decimal(7)])
def test_a_value_under_a_secret_name_is_masked(name: str, value: object) -> None:
    assert is_marker(named(name, value))


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_a_value_under_a_harmless_name_stays(name: str) -> None:
    assert named(name, "hunter2") == "hunter2"
    assert named(name, 1234) == 1234


@pytest.mark.parametrize("value", [None, True, "", "***", "[redacted:key:0123abcd]", "<token>", "none", "${TOKEN}", ()])
def test_a_value_that_is_no_secret_stays_under_a_secret_name(value: object) -> None:
    assert named("password", value) == value


def test_numbers_of_tokens_stay() -> None:
    assert named("llm.tokens", 512) == 512
    assert named("tests.pass", 12) == 12
    assert named("password", 512) != 512


def test_collections_under_a_secret_name_keep_their_form() -> None:
    found = named("http.request.header.authorization", ["Bearer a", "none"])
    assert is_marker(found[0])
    assert found[1] == "none"
    assert list(map(is_marker, named("credentials", {"user": "bob", "pin": 7}).values())) == [True, True]


def test_an_argument_after_a_flag_is_masked() -> None:
    given = ["tool", "--user", "bob", "--password", "hunter2", "--token=hunter3", "--verbose", "-o", "a.txt"]
    found = named("process.command_args", given)
    assert [each for each, old in zip(found, given, strict=True) if each != old] == [found[4], found[5]]
    assert "hunter" not in repr(found)
    assert named("fields", ["password", "email"]) == ["password", "email"]


def test_nested_values_are_examined() -> None:
    value = {"a": [{"password": "hunter2"}, ("x", "token=hunter2", b"token=hunter2")], 7: "token=hunter2", "b": 1}
    hits: Hits = []
    found = redactor().value(value, hits)
    assert "hunter2" not in repr(found)
    assert hits == ["key", "pair", "pair", "pair"]
    assert found["b"] == 1


def test_values_without_a_secret_stay_the_objects() -> None:
    attributes: dict[str, Any] = {
        "a": ["x", (1, 2)],
        "b": {"c": None},
        "d": b"\xff",
        "e": 1.5,
        "f": Decimal(1),
    }
    hits: Hits = []
    assert redactor().attributes(attributes, hits) is attributes
    assert redactor().value(attributes, hits) is attributes
    assert redactor().attributes(None, hits) is None
    assert hits == []


@pytest.mark.parametrize("kind", [dict, OrderedDict, UserDict])
def test_all_kinds_of_mappings_are_examined(kind: Any) -> None:
    assert "hunter2" not in repr(redactor().value(kind({"password": "hunter2"}), []))


def test_other_objects_become_text_if_it_has_a_secret() -> None:
    class Login:
        def __str__(self) -> str:
            return "Login(password=hunter2)"

    assert redactor().value(Login(), []).startswith("Login(password=[redacted:pair:")


def test_a_secret_in_a_name_is_masked() -> None:
    assert "hunter2" not in repr(redactor().attributes({"query password=hunter2": "x"}, []))


def test_card_numbers_are_found_in_integers() -> None:
    assert is_marker(named("n", 4111111111111111))
    assert named("n", 4111111111111112) == 4111111111111112
    assert named("n", 4111111111111111, "4111*") == 4111111111111111
    assert redactor(names=("key",)).named("n", 4111111111111111, []) == 4111111111111111


def test_without_the_rule_of_names_their_values_stay() -> None:
    assert redactor(names=("jwt",)).named("password", "hunter2", []) == "hunter2"


def test_allowed_names_and_values_stay() -> None:
    allowed = "session.*", "test-*"
    assert named("session.id", "hunter2", *allowed) == "hunter2"
    assert named("SESSION.ID", "hunter2", *allowed) == "hunter2"
    assert named("password", "test-7", *allowed) == "test-7"
    assert named("q", "password=test-7", *allowed) == "password=test-7"
    assert is_marker(named("user.session.id", "hunter2", *allowed))
    assert is_marker(named("token", "hunter2", "[t]oken", "t?ken"))


def test_values_that_cannot_be_examined_are_masked() -> None:
    class Broken(UserDict[str, str]):
        def items(self) -> Any:
            raise RuntimeError("no items")

    endless: list[Any] = []
    endless.append(endless)
    assert redactor().value(Broken(a="b"), []) == FAILED
    assert redactor().attributes(Broken(a="b"), []) == {"redaction": FAILED}
    assert "redacted" in repr(redactor().value([endless, "token=hunter2"], []))
    assert "hunter2" not in repr(named("password", endless))


def test_names_that_are_not_text_are_examined_closely() -> None:
    assert not redactor().plain[5]  # type: ignore[index] # of any type


def test_known_names_and_texts_are_bounded() -> None:
    used = redactor()
    for number in range(5000):
        assert used.plain[f"name{number}"]
        assert used.clean[f"a text, the number {number}"]
    assert not used.plain["password"]
    assert not used.clean["password=hunter2"]
    assert used.clean["x" * 300]
    assert len(used.plain) < 5000 > len(used.clean)
    assert "password=hunter2" not in used.clean
    assert "x" * 300 not in used.clean
