from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import pytest

from flext_observability.pipeline.redaction import added
from flext_observability.pipeline.redaction.added import AddedRule, AddedRules, is_slow


def rules(**given: Any) -> AddedRules:
    return AddedRules("logs", [AddedRule.of(name.replace("_", "-"), rule) for name, rule in given.items()])


def test_a_pattern_masks_its_group_or_its_whole_match() -> None:
    found = list(rules(whole=r"EMP-\d+", part=re.compile(r"badge (?P<secret>\d+)")).search("EMP-12 has badge 34"))
    assert found == [(0, 6, "whole"), (17, 19, "part")]


def test_a_function_masks_all_occurrences_of_the_parts_it_returns() -> None:
    found = list(rules(own=lambda _: ["ab", "", "c"]).search("abxabc"))
    assert found == [(0, 2, "own"), (3, 5, "own"), (5, 6, "own")]
    assert list(rules(own=lambda _: None).search("abxabc")) == []


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        (lambda _: 1 / 0, "ZeroDivisionError"),
        (lambda _: [7], "it returned int instead of texts"),
        (lambda _: 7, "TypeError"),
        (lambda _: repeat("x"), "more than 10000 items"),
    ],
)
def test_a_rule_that_fails_costs_itself_alone(result: Any, problem: str, caplog: pytest.LogCaptureFixture) -> None:
    both = rules(bad=result, good="secret-[a-z]+")
    for _ in range(12):
        assert list(both.search("a secret-word")) == [(2, 13, "good")]
    (notice,) = both.notices()
    assert notice.degrades
    assert notice.signal == "logs"
    assert "'bad' is switched off" in notice.message
    assert problem in notice.message
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(\w+\s*)*;", r"^(?:[a-z0-9]+)*@x"])
def test_a_pattern_of_exponential_time_is_switched_off(pattern: str) -> None:
    both = rules(slow=pattern, good="b+")
    assert list(both.search("a" * 60 + "!b")) == [(61, 62, "good")]
    (notice,) = both.notices()
    assert "exponential time" in notice.message


@pytest.mark.parametrize("pattern", [r"EMP-\d{4}", r"\b[A-Z]{2}\d{6}[A-D]\b", r".*", r"(?P<secret>\w+)@"])
def test_other_patterns_are_used(pattern: str) -> None:
    assert not is_slow(re.compile(pattern))


def test_a_function_that_hangs_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(added, "LIMIT_SECONDS", 0.2)
    release = threading.Event()

    def hang(_: str) -> list[str]:
        release.wait()
        return []

    both = rules(hangs=hang, good="b+")
    try:
        assert both.bounded(lambda: list(both.search("abc"))) == [(1, 2, "good")]
        (notice,) = both.notices()
        assert "'hangs' is switched off: it does not return" in notice.message
        assert both.bounded(threading.current_thread) is threading.current_thread()
    finally:
        release.set()


def test_long_work_without_a_hanging_rule_ends_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(added, "LIMIT_SECONDS", 0.05)
    release = threading.Event()
    threads = list[threading.Thread]()

    def work() -> int:
        threads.append(threading.current_thread())
        if len(threads) == 1:
            release.wait()
        return 7

    try:
        assert rules(own=lambda _: []).bounded(work) == 7
        assert threads[-1] is threading.current_thread()
    finally:
        release.set()


def test_an_error_of_the_work_is_raised() -> None:
    def work() -> int:
        raise LookupError("x")

    with pytest.raises(LookupError):
        rules(own=lambda _: []).bounded(work)


def test_a_rule_that_needs_much_time_for_a_text_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(added, "LIMIT_SECONDS", 0.0)
    both = rules(busy=lambda text: [text])
    assert list(both.search("ab")) == [(0, 2, "busy")]
    assert list(both.search("ab")) == []
    (notice,) = both.notices()
    assert "for a text" in notice.message


def test_a_rule_that_two_calls_switch_off_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    def fail(text: str) -> list[str]:
        if text == "outer":
            for _ in range(10):
                list(both.search("inner"))
        raise ValueError(text)

    both = rules(bad=fail)
    assert list(both.search("outer")) == []
    assert len(both.notices()) == len(caplog.records) == 1


def test_an_interrupt_is_not_contained() -> None:
    def interrupt(_: str) -> Iterator[str]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(rules(own=interrupt).search("x"))
