"""Attributes and nested values → the same with markers. A value without a secret stays the object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast, final

from flext_observability.pipeline.redaction.allowed import Allowed
from flext_observability.pipeline.redaction.cards import MIN_NUMBER, is_card
from flext_observability.pipeline.redaction.harmless import is_harmless
from flext_observability.pipeline.redaction.marker import FAILED, MarkerFactory
from flext_observability.pipeline.redaction.rule_names import KEY
from flext_observability.pipeline.redaction.text import MIN_CHARACTERS, Find, TextRules
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.encoding import encode_tag
from flext_observability.values.foreign import copy_mapping, is_a, is_mapping, plain_text, read_all
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.secret_names import COUNTED, is_secret_name

Hits = list[str]
"""Names of the rules of the values that were masked."""
NUMBERS: Final = frozenset({bool, int, float})
_MAX_KNOWN: Final = 512
_MAX_KNOWN_CHARACTERS: Final = 256
_MAX_DEPTH: Final = 64


@final
class _PlainKeys(dict[str, bool]):
    """Name of an attribute → whether it is not that of a secret. Bounded."""

    def __init__(self, is_secret: Callable[[str], bool]) -> None:
        self._is_secret = is_secret

    def __missing__(self, key: object) -> bool:
        if type(key) is not str:
            return False  # looked at more closely
        if len(self) >= _MAX_KNOWN:
            self.clear()
        plain = self[key] = not self._is_secret(key)
        return plain


@final
class _CleanTexts(dict[str, bool]):
    """Text → whether it has no secret. Bounded; texts with one are not kept."""

    def __init__(self, rules: TextRules) -> None:
        self._is_plain = rules.is_plain
        self._has_secret = rules.has_secret

    def __missing__(self, text: str) -> bool:
        if len(text) >= MIN_CHARACTERS:
            if self._is_plain(text):
                return True
            if self._has_secret(text):
                return False
        if len(text) <= _MAX_KNOWN_CHARACTERS:
            if len(self) >= _MAX_KNOWN:
                self.clear()
            self[text] = True
        return True


@final
class Redactor:
    """Rules for the values of one signal. Thread-safe. No method raises.

    Args:
        names: Names of the built-in rules.
        marker: Makes the markers.
        allowed: Names and values that are never masked.
        added: Rules of the program.

    Attributes:
        plain: Name of an attribute → whether it is not that of a secret, for fast loops.
        clean: Text → whether it has no secret, for fast loops.
        has_added: Whether the program has rules.
    """

    __slots__ = ("_allowed", "_has_cards", "_marker", "_rules", "clean", "has_added", "plain")

    def __init__(
        self, names: Sequence[str], marker: MarkerFactory, allowed: Allowed, added: Find | None = None
    ) -> None:
        self._marker = marker
        self._allowed = allowed
        self._has_cards = "card" in names
        self._rules = TextRules(names, marker, allowed.has_value, added)
        self.has_added = added is not None
        self.plain = _PlainKeys(is_secret_name if KEY in names else _is_never_secret)
        self.clean = _CleanTexts(self._rules)

    def text(self, text: Any, hits: Hits) -> Any:  # noqa: ANN401 - text, or what a program passes instead
        """Return a text with its secrets replaced; another object as ``value`` does."""
        plain = plain_text(text)
        if plain is None:
            return self.value(text, hits)
        if self.clean[plain]:
            return text
        replaced, rules = self._rules.replace(plain)
        hits.extend(rules)
        return replaced

    def attributes(self, attributes: Mapping[str, Any] | None, hits: Hits) -> Mapping[str, Any] | None:
        """Return attributes with their secrets replaced, as a dict; the given ones without a secret."""
        if not attributes:
            return attributes
        before = len(hits)
        try:
            replaced = self._mapping(attributes, hits, 0)
        except BaseException as error:  # noqa: BLE001 - values of any type
            reraise_interrupt(error)
            report_once("Redacting attributes", error)
            return {"redaction": FAILED}
        return replaced if len(hits) > before else attributes

    def value(self, value: Any, hits: Hits) -> Any:  # noqa: ANN401 - of any type
        """Return a value with its secrets replaced, such as the body of a log record."""
        try:
            return self._value(value, hits, 0)
        except BaseException as error:  # noqa: BLE001 - values of any type
            reraise_interrupt(error)
            report_once("Redacting a value", error)
            return FAILED

    def named(self, name: str, value: Any, hits: Hits) -> Any:  # noqa: ANN401 - of any type
        """Return the value of an attribute with its secrets replaced."""
        found = self.attributes({name: value}, hits) or {}
        return found.get(name, FAILED)

    def _mapping(self, given: Mapping[Any, Any], hits: Hits, depth: int) -> dict[Any, Any]:
        replaced: dict[Any, Any] = {}
        for key, value in copy_mapping(given).items():
            name = plain_text(key)
            if name is None:
                replaced[key] = self._value(value, hits, depth + 1)
            elif self._allowed.has_name(name):
                replaced[name] = value
            elif self.plain[name]:
                replaced[self.text(name, hits)] = self._value(value, hits, depth + 1)
            else:
                replaced[self.text(name, hits)] = self._secret(name, value, hits, depth + 1)
        return replaced

    def _value(self, value: Any, hits: Hits, depth: int) -> Any:  # noqa: ANN401 - of any type
        if is_a(value, str):
            return self.text(value, hits)
        if value is None or type(value) in NUMBERS:
            return self._number(value, hits)
        if depth > _MAX_DEPTH:
            return FAILED
        before = len(hits)
        if is_mapping(value):
            replaced: Any = self._mapping(value, hits, depth)
        elif is_a(value, bytes):
            replaced = self.text(bytes.decode(value, "utf-8", "replace"), hits)
        elif issubclass(type(value), Sequence):
            replaced = self._sequence(_items(value), hits, depth + 1)
        else:
            replaced = self.text(encode_tag(value), hits)
        return replaced if len(hits) > before else cast("Any", value)

    def _sequence(self, items: list[Any], hits: Hits, depth: int) -> tuple[Any, ...]:
        """Return items with their secrets replaced, also those after a flag: ``["--password", "…"]``."""
        replaced: list[Any] = []
        flag = ""
        for each in items:
            replaced.append(self._secret(flag, each, hits, depth) if flag else self._value(each, hits, depth))
            text = plain_text(each) or ""
            flag = text if text.startswith("-") and "=" not in text and not self.plain[text] else ""
        return tuple(replaced)

    def _number(self, value: Any, hits: Hits) -> Any:  # noqa: ANN401 - a number, or None
        if self._has_cards and type(value) is int and value >= MIN_NUMBER and is_card(digits := str(value)):
            return self._marked("card", digits, value, hits)
        return value

    def _secret(self, name: str, value: Any, hits: Hits, depth: int) -> Any:  # noqa: ANN401 - of any type
        """Return the marker of a value whose name is that of a secret; sequences and mappings keep their form."""
        if value is None or type(value) is bool or (type(value) in NUMBERS and name.lower().endswith(COUNTED)):
            return value
        if depth > _MAX_DEPTH:
            return FAILED
        if is_mapping(value):
            return {key: self._secret(name, each, hits, depth + 1) for key, each in copy_mapping(value).items()}
        if issubclass(type(value), Sequence) and not issubclass(type(value), str | bytes):
            return tuple(self._secret(name, each, hits, depth + 1) for each in _items(value))
        text = bytes.decode(value, "utf-8", "replace") if is_a(value, bytes) else plain_text(value)
        text = encode_tag(value) if text is None else text
        if is_harmless(text, "", quoted=True, spaced=False):
            return value
        return self._marked(KEY, text, value, hits)

    def _marked(self, rule: str, secret: str, value: Any, hits: Hits) -> Any:  # noqa: ANN401 - of any type
        if self._allowed.has_value(secret):
            return value
        hits.append(rule)
        return self._marker(rule, secret)


def _items(value: Any) -> list[Any]:  # noqa: ANN401 - a sequence of any type
    return read_all(value)


def _is_never_secret(_: str) -> bool:
    return False
