from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from flext_observability.extensions.redaction_rules import register_redaction_rule
from flext_observability.pipeline.redaction.redaction import Redaction
from flext_observability.pipeline.redaction.rule_names import DEFAULT_RULES
from flext_observability.providers.notices import Notices
from flext_observability.providers.redaction import make_redaction
from flext_observability.settings.config import FlextObservabilityConfig
from tests.installed import install

Make = Callable[..., Redaction]


@pytest.fixture
def make(settings: Callable[..., FlextObservabilityConfig], notices: Notices) -> Make:
    return lambda **arguments: make_redaction(settings(**arguments), notices)


@pytest.fixture
def _employee() -> None:
    register_redaction_rule("employee-of-a-test", r"EMP-\d+").unwrap()


@pytest.mark.usefixtures("_employee")
def test_the_default_is_all_sure_rules_and_the_registered_ones(make: Make, notices: Notices) -> None:
    rules = make().report().rules
    assert set(rules) == {"traces", "metrics", "logs"}
    for names in rules.values():
        assert {*DEFAULT_RULES, "employee-of-a-test"} <= set(names)
        assert "email" not in names
    assert notices.all() == ()


@pytest.mark.parametrize("value", [False, "false", "False", []])
def test_false_is_off(make: Make, value: object) -> None:
    assert make(redaction=value).report().rules == {}


@pytest.mark.parametrize(
    ("value", "added"), [(True, ()), ("true", ()), (["default", "email"], ("email",)), ("Default, EMAIL", ("email",))]
)
def test_default_can_be_named_with_others(make: Make, value: object, added: tuple[str, ...]) -> None:
    names = make(redaction=value).report().rules["logs"]
    assert set(names) >= {*DEFAULT_RULES, *added}
    assert ("email" in names) is bool(added)


def test_a_signal_has_its_own_rules(make: Make) -> None:
    rules = make(redaction="jwt", logs_redaction=["card", "pair"], metrics_redaction=False).report().rules
    assert rules == {"traces": ("jwt",), "logs": ("card", "pair")}


@pytest.mark.usefixtures("_employee")
def test_a_registered_rule_masks_and_replaces_a_built_in_one(make: Make) -> None:
    register_redaction_rule("jwt", re.compile("EMP(?P<secret>x)")).unwrap()
    redaction = make(redaction="jwt, employee-of-a-test")
    shown = redaction.pair("a", "EMP-7 and EMPx and eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc")
    assert re.fullmatch(r"\[redacted:employee-of-a-test:\w+\] and EMP\[redacted:jwt:\w+\] and eyJ[\w.]+", shown)


def test_an_unknown_rule_is_a_notice_and_the_others_work(make: Make, notices: Notices) -> None:
    assert make(redaction="jwtt,card").report().rules["traces"] == ("card",)
    (notice,) = notices.all()
    assert notice.degrades
    assert "Unknown redaction_rule 'jwtt'" in notice.message


def test_an_installed_rule_is_found_by_name(
    make: Make, notices: Notices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = "flext_observability.redaction_rules"
    source = "def find(text):\n    return ['bob'] if 'bob' in text else []\n"
    install(tmp_path, monkeypatch, "bob_rules", source, {group: {"bob": "bob_rules:find"}})
    assert make(redaction="bob").pair("a", "bob is here").startswith("[redacted:bob:")
    assert notices.all() == ()


def test_rules_that_are_switched_off_are_named(make: Make) -> None:
    register_redaction_rule("slow-of-a-test", r"(a+)+$").unwrap()
    redaction = make(redaction="slow-of-a-test")
    redaction.load()
    assert {notice.signal for notice in redaction.notices()} == {"traces", "metrics", "logs"}
