"""Text → the same text with markers instead of secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, final

from flext_observability.pipeline.redaction.cards import may_have_cards
from flext_observability.pipeline.redaction.credentials import may_have_credentials
from flext_observability.pipeline.redaction.formats import FormatFinder, may_have_formats
from flext_observability.pipeline.redaction.marker import MarkerFactory, is_marker, marker_spans
from flext_observability.pipeline.redaction.pairs import may_have_pairs
from flext_observability.pipeline.redaction.rules import RULES, Find as FindSpans
from flext_observability.values.lazy_pattern import lazy_pattern
from flext_observability.values.named_tuple import NamedTuple

MIN_CHARACTERS: Final = 5
"""A shorter text has no secret that could be recognised by its content."""
_HEXADECIMAL: Final = lazy_pattern(r"[0-9-]*[a-f][0-9a-f-]*")
Find = Callable[[str], Iterable[tuple[int, int, str]]]
"""Text → start, end and rule of each secret in it."""


class Found(NamedTuple):
    """A secret in a text.

    Attributes:
        start: Position of its first character.
        end: Position after its last one.
        rule: Name of the rule.
    """

    start: int
    end: int
    rule: str


@final
class TextRules:
    """Rules for texts.

    Args:
        names: Names of the built-in rules.
        marker: Makes the markers.
        is_allowed: Whether a secret that was found is never masked.
        added: Rules of the program.

    Attributes:
        is_plain: Whether a text certainly has no secret. Faster than ``has_secret``.
    """

    __slots__ = ("_groups", "_is_allowed", "_marker", "is_plain")

    def __init__(
        self, names: Iterable[str], marker: MarkerFactory, is_allowed: Callable[[str], bool], added: Find | None
    ) -> None:
        chosen = frozenset(names)
        hints: dict[str, Callable[[str], object]] = {"pair": may_have_pairs, "card": may_have_cards}
        # Most texts are not searched: a hint finds out cheaply that its rules find nothing.
        groups: dict[Callable[[str], object], list[Find]] = {may_have_formats: [FormatFinder(chosen).find]}
        for rule in RULES:
            if rule.name in chosen and rule.find is not None:
                hint = hints.get(rule.name, may_have_credentials)
                groups.setdefault(hint, []).append(partial(_named, rule.name, rule.find))
        if added is not None:
            groups[bool] = [added]
        # UUIDs and digests: no built-in rule finds a secret in them.
        self.is_plain: Callable[[str], object] = _HEXADECIMAL.fullmatch if added is None else _is_never_plain
        self._groups = tuple((hint, tuple(finds)) for hint, finds in groups.items())
        self._marker = marker
        self._is_allowed = is_allowed

    def has_secret(self, text: str) -> bool:
        """Return whether a text has a secret. Fast for most texts."""
        return bool(self._find(text))

    def replace(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Return the text with markers, and the rule of each; the text itself without a secret."""
        found = self._find(text)
        parts, rules, position = list[str](), list[str](), 0
        for start, end, rule in found:
            parts += text[position:start], self._marker(rule, text[start:end])
            rules.append(rule)
            position = end
        return "".join((*parts, text[position:])), tuple(rules)

    def _find(self, text: str) -> list[Found]:  # measured: benchmarks, redaction
        """Return the secrets in order."""
        every: list[tuple[int, int, str]] = []
        for hint, finds in self._groups:
            if hint(text):
                for find in finds:
                    every += find(text)
        return self._merged(text, every) if every else []

    def _merged(self, text: str, every: list[tuple[int, int, str]]) -> list[Found]:
        """Return the secrets in order. Those that overlap are one, of the rule of the first."""
        merged: list[Found] = []
        markers = marker_spans(text)
        for start, end, rule in sorted(every, key=lambda found: (found[0], -found[1])):
            secret = text[start:end]
            in_marker = any(first < start < last for first, last in markers)
            if in_marker or not secret or is_marker(secret) or self._is_allowed(secret):
                continue
            if merged and start < merged[-1].end:
                merged[-1] = merged[-1]._replace(end=max(end, merged[-1].end))
            else:
                merged.append(Found(start, end, rule))
        return merged


def _is_never_plain(_: str) -> bool:
    return False


def _named(name: str, find: FindSpans, text: str) -> list[tuple[int, int, str]]:
    return [(start, end, name) for start, end in find(text)]
