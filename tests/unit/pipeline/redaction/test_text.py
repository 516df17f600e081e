from __future__ import annotations

import time

import pytest

from flext_observability.pipeline.redaction.formats import FORMATS as FORMAT_TABLE
from flext_observability.pipeline.redaction.marker import MarkerFactory, is_marker, marker_spans
from flext_observability.pipeline.redaction.rule_names import DEFAULT_RULES, FORMAT_RULES, RULE_NAMES
from flext_observability.pipeline.redaction.rules import RULES, rule_table
from flext_observability.pipeline.redaction.text import TextRules
from tests.redaction_corpus import CREDENTIALS, FORMATS, PAIRS, SECRETS, Secret
from tests.redaction_harmless import HARMLESS


def rules(*names: str, allowed: str = "", key: str = "key") -> TextRules:
    return TextRules(names or DEFAULT_RULES, MarkerFactory(key), allowed.__eq__, None)


@pytest.mark.parametrize("secret", SECRETS, ids=lambda each: each.kind)
def test_a_secret_is_replaced(secret: Secret) -> None:
    replaced, found = rules().replace(secret.text)
    assert secret.secret not in replaced
    assert "[redacted:" in replaced
    assert found
    assert rules().has_secret(secret.text)


@pytest.mark.parametrize("secret", SECRETS, ids=lambda each: each.kind)
def test_a_redacted_text_stays(secret: Secret) -> None:
    replaced, _ = rules().replace(secret.text)
    assert rules().replace(replaced) == (replaced, ())


@pytest.mark.parametrize("text", HARMLESS, ids=range(len(HARMLESS)))
def test_a_harmless_text_stays(text: str) -> None:
    assert rules().replace(text) == (text, ())
    assert not rules().has_secret(text)


def test_the_corpora_are_large() -> None:
    assert len({each.kind for each in SECRETS}) == len(SECRETS) >= 60
    assert len(set(HARMLESS)) == len(HARMLESS) >= 200


def test_each_format_has_an_example() -> None:
    found = {rule for each in FORMATS for rule in rules(*FORMAT_RULES).replace(each.text)[1]}
    assert found == set(FORMAT_RULES) == {each.rule for each in FORMAT_TABLE}


def test_each_rule_has_a_name_and_a_description() -> None:
    assert [name for name, _ in rule_table()] == list(RULE_NAMES)
    assert all(what for _, what in rule_table())
    assert [each.name for each in RULES] == list(RULE_NAMES[: len(RULES)])


@pytest.mark.parametrize("name", [each.name for each in RULES if each.find is not None and each.name != "email"])
def test_each_rule_finds_secrets_alone(name: str) -> None:
    assert any(rules(name).replace(each.text)[1] for each in (*CREDENTIALS, *PAIRS))


def test_other_rules_find_nothing() -> None:
    assert rules("jwt").replace("password=hunter2 4111111111111111")[1] == ()
    assert rules("key").replace(FORMATS[0].text)[1] == ()


def test_the_marker_has_the_rule_and_a_hash_and_no_part_of_the_secret() -> None:
    replaced, found = rules().replace("password=hunter2 and token=hunter2 and token=other")
    markers = [replaced[start:end] for start, end in marker_spans(replaced)]
    assert found == ("pair", "pair", "pair")
    assert all(map(is_marker, markers))
    assert markers[0] == markers[1] != markers[2]
    assert "hunter" not in replaced


def test_the_hash_depends_on_the_key() -> None:
    texts = [rules(key=key).replace("password=hunter2")[0] for key in ("a", "b", "", "")]
    assert len(set(texts)) == 3
    assert texts[2] == texts[3]  # the key of this process


def test_secrets_that_overlap_become_one_marker() -> None:
    replaced, found = rules().replace("url=https://bob:password=hunter2@example.com/?x")
    assert "hunter2" not in replaced
    assert len(found) == 1


def test_an_allowed_secret_stays() -> None:
    assert rules(allowed="hunter2").replace("password=hunter2&token=other")[1] == ("pair",)


def test_addresses_of_people_are_found_when_asked() -> None:
    text = "mail bob.smith+x@mail.example.com, please"
    assert rules().replace(text)[1] == ()
    assert rules("email").replace(text)[0].startswith("mail [redacted:email:")


@pytest.mark.parametrize("text", ["Basic abcdefghi", "Basic QUJDREVG", "Basic AAECAwQ6", "basic information"])
def test_words_after_basic_that_are_no_credentials_stay(text: str) -> None:
    assert rules().replace(text) == (text, ())


@pytest.mark.parametrize(
    "text",
    [
        *("password=" * 5000, "password:" + "a," * 50_000, "x://" + ":" * 50_000 + "@", "a@" * 50_000),
        *("Authorization: " * 5000, "-----BEGIN PRIVATE KEY-----" * 3000, "eyJ" * 50_000, "4111 " * 30_000),
        *("<password>" * 10_000, "sk-" * 50_000, "%3D" * 50_000, "\\" * 100_000, "'" * 100_000, "token='" * 5000),
        *("password=" + "x" * 300_000, "a" * 300_000, " " * 300_000, "--token " * 10_000, "://a:" * 20_000),
    ],
    ids=lambda text: text[:20],
)
def test_the_time_is_linear(text: str) -> None:
    """Ten times a text needs about ten times its time: a square would need hundred times."""

    def seconds(given: str) -> float:
        began = time.thread_time()
        rules().replace(given)
        return time.thread_time() - began

    seconds(text[:100])  # compiles the patterns
    assert seconds(text) < max(40 * seconds(text[: len(text) // 10]), 1.0)
