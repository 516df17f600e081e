"""Rules of the program: patterns and functions. One that raises, returns something else or is slow is switched off."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from threading import get_ident
from typing import Final, TypeVar, cast, final

from flext_observability.domain.report import Notice, Signal
from flext_observability.runtime.bounded_call import BoundedCall
from flext_observability.runtime.internal_log import log_warning
from flext_observability.values.exceptions import describe_error
from flext_observability.values.foreign import plain_text, read_all, type_name
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.named_tuple import NamedTuple

T = TypeVar("T")
RuleFunction = Callable[[str], Iterable[str]]
"""Returns the parts of a text that are secret."""
LIMIT_SECONDS: Final = 1.0
"""Time for a batch in functions of the program, and CPU time for one text in any rule of it."""
_MAX_FAILURES: Final = 10
_PROBE_SECONDS: Final = 0.005
_PROBE_LENGTHS: Final = range(8, 26, 2)
_PROBED: Final = "aA0 -/.@_:=,"
_MAX_PROBED: Final = 40
_logger: Final = logging.getLogger("flext_observability")
_FIX: Final = "Correct the rule, then call init_observability again"


class AddedRule(NamedTuple):
    """A rule of the program.

    Attributes:
        name: Name in settings, markers and the status.
        rule: A pattern, whose group ``secret`` or whole match is masked; or a function.
    """

    name: str
    rule: re.Pattern[str] | RuleFunction

    @classmethod
    def of(cls, name: str, rule: str | re.Pattern[str] | RuleFunction) -> AddedRule:
        """Return a rule; a text is compiled."""
        return cls(name, re.compile(rule) if isinstance(rule, str) else rule)


def is_slow(pattern: re.Pattern[str]) -> bool:
    """Return whether the time of a pattern grows exponentially with the text. A search cannot be interrupted."""
    characters = dict.fromkeys((*_PROBED, *pattern.pattern))
    return any(_grows(pattern, each) for each in list(characters)[:_MAX_PROBED])


def _grows(pattern: re.Pattern[str], character: str) -> bool:
    for length in _PROBE_LENGTHS:
        began = time.thread_time()
        pattern.search(character * length + "\x00")
        if time.thread_time() - began > _PROBE_SECONDS:
            return True
    return False


@final
class AddedRules:
    """Searches texts with the rules of the program. Thread-safe. No method raises.

    Args:
        signal: Signal of the notices.
        rules: The rules.
    """

    def __init__(self, signal: Signal, rules: Sequence[AddedRule]) -> None:
        self._signal: Signal = signal
        self._rules = tuple(rules)
        self._off: dict[str, Notice] = {}
        self._failures: dict[str, int] = {}
        self._running: dict[int, str] = {}
        self._has_functions = any(not isinstance(each.rule, re.Pattern) for each in rules)
        for each in rules:
            if isinstance(each.rule, re.Pattern) and is_slow(each.rule):
                self._switch_off(each.name, "its pattern needs exponential time")

    def search(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and rule of each secret."""
        thread = get_ident()
        for name, rule in self._rules:
            if name in self._off:
                continue
            self._running[thread] = name
            began = time.thread_time()
            try:
                found = list(_spans(rule, text))
            except BaseException as error:  # noqa: BLE001 - code of the program
                reraise_interrupt(error)
                self._fail(name, describe_error(error))
                continue
            finally:
                self._running.pop(thread, None)
            if time.thread_time() - began > LIMIT_SECONDS:
                self._switch_off(name, f"it needs more than {LIMIT_SECONDS:.0f} s for a text")
            yield from ((start, end, name) for start, end in found)

    def bounded(self, work: Callable[[], T]) -> T:
        """Return the result of work that searches texts. A function of the program that hangs is switched off."""
        while self._has_functions:
            threads: list[int] = []
            call = BoundedCall("redaction rules", partial(_noting_thread, threads, work))
            if call.wait(time.monotonic() + LIMIT_SECONDS):
                if call.error is not None:
                    raise call.error
                return cast("T", call.value)
            hung = next((name for each in threads if (name := self._running.get(each))), None)
            if hung is None:
                break  # much to do, and no function that hangs
            self._switch_off(hung, f"it does not return within {LIMIT_SECONDS:.0f} s")
        return work()

    def notices(self) -> tuple[Notice, ...]:
        """Return a notice for each rule that is switched off or fails."""
        return tuple(self._off.values())

    def _fail(self, name: str, problem: str) -> None:
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        if failures >= _MAX_FAILURES:
            self._switch_off(name, problem)

    def _switch_off(self, name: str, problem: str) -> None:
        notice = Notice(self._signal, f"The redaction rule '{name}' is switched off: {problem}", _FIX, degrades=True)
        if self._off.setdefault(name, notice) is notice:
            log_warning(_logger, str(notice))
            still_on = (each for each in self._rules if each.name not in self._off)
            self._has_functions = any(not isinstance(each.rule, re.Pattern) for each in still_on)


def _noting_thread(seen: list[int], work: Callable[[], T]) -> T:
    seen.append(get_ident())
    return work()


def _spans(rule: re.Pattern[str] | RuleFunction, text: str) -> Iterator[tuple[int, int]]:
    if isinstance(rule, re.Pattern):
        group = "secret" if "secret" in rule.groupindex else 0
        yield from (match.span(group) for match in rule.finditer(text))
        return
    for part in read_all(rule(text) or ()):
        secret = plain_text(part)
        if secret is None:
            raise TypeError(f"it returned {type_name(part)} instead of texts")
        start = text.find(secret) if secret else -1
        while start >= 0:
            yield start, start + len(secret)
            start = text.find(secret, start + len(secret))
