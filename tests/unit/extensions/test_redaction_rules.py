from __future__ import annotations

import re
from typing import Any

import pytest

from flext_observability.extensions.redaction_rules import redaction_rule_registry, register_redaction_rule
from tests.hostile import Hostile


@pytest.mark.parametrize("rule", [r"EMP-\d+", re.compile(r"EMP-(?P<secret>\d+)"), lambda _: [], str.split])
def test_patterns_and_functions_are_registered(rule: Any) -> None:
    assert register_redaction_rule("employee-of-a-test", rule).success
    assert redaction_rule_registry().find("employee-of-a-test").unwrap() is rule
    assert "employee-of-a-test" in redaction_rule_registry().registered()


@pytest.mark.parametrize(
    ("name", "rule", "message"),
    [
        ("a", r"(", "missing )"),
        ("a", re.compile(rb"x"), "the pattern is one of bytes"),
        ("a", 7, "int is neither a pattern nor a function"),
        ("two words", "x", "without blanks"),
        ("Upper", "x", "lower-case letters"),
        ("a" * 41, "x", "up to 40"),
        ("default", "x", "reserved"),
        (7, "x", "not a text"),
    ],
)
def test_others_are_failures(name: Any, rule: Any, message: str) -> None:
    result = register_redaction_rule(name, rule)
    assert result.code == "invalid_redaction_rule"
    assert message in (result.message or "")


def test_an_object_that_raises_is_a_failure() -> None:
    rule: Any = Hostile()
    assert register_redaction_rule("a", rule).code == "invalid_redaction_rule"
