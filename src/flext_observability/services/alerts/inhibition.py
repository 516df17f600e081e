"""Rules "while this is active, do not tell of that" and active alerts → whether one is inhibited (no lock of its own)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.domain.result import FlextResult
from flext_observability.values.encoding import encode_tag, quoted

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert

Facts = Mapping[str, str]
Key = tuple[str, ...]
FIELDS: Final = ("name", "severity", "source")
MAX_RULES: Final = 1000


@dataclass(slots=True)
class _Rule:
    """One rule, and the active alerts that match its source: by their values of ``equal``, and whether they match its target too."""

    source: Facts
    target: Facts
    equal: tuple[str, ...]
    active: dict[Key, dict[str, bool]] = field(default_factory=dict["Key", dict[str, bool]])
    keys: dict[str, Key] = field(default_factory=dict[str, "Key"])

    def key(self, facts: Facts) -> Key:
        # What is missing on both sides is equal.
        return tuple(facts.get(name, "") for name in self.equal)

    def note(self, fingerprint: str, facts: Facts) -> None:
        """Take an active alert, which may be a source."""
        if _matches(self.source, facts):
            key = self.keys[fingerprint] = self.key(facts)
            self.active.setdefault(key, {})[fingerprint] = _matches(self.target, facts)

    def forget(self, fingerprint: str) -> bool:
        """Drop an active source, and say whether it was one."""
        key = self.keys.pop(fingerprint, None)
        if key is None:
            return False
        del self.active[key][fingerprint]
        if not self.active[key]:
            del self.active[key]
        return True

    def inhibits(self, fingerprint: str, facts: Facts) -> bool:
        if not _matches(self.target, facts):
            return False
        # Two alerts that match both sides would silence each other.
        both = _matches(self.source, facts)
        members = self.active.get(self.key(facts), {})
        return any(other != fingerprint and not (both and mutual) for other, mutual in members.items())


@final
class Inhibition:
    """The rules of one service."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []

    def add(
        self, source: object, target: object, equal: object, active: Iterable[tuple[str, FlextAlert]]
    ) -> FlextResult[None]:
        """Take a rule; the same one again changes nothing.

        Args:
            source: Name, or fields and labels with their values.
            target: Likewise.
            equal: Names of fields and labels.
            active: Fingerprints and alerts that are active now.

        Returns:
            Success, or a failure (``invalid_inhibition``).
        """
        names = (equal,) if isinstance(equal, str) else equal
        wrong = _wrong_side("source", source) or _wrong_side("target", target) or _wrong_names(names)
        if not wrong and len(self._rules) >= MAX_RULES:
            wrong = f": there are {MAX_RULES} rules already; use labels and equal instead of a rule for each alert"
        if wrong:
            return FlextResult[None].fail(f"Invalid inhibition{wrong}", code="invalid_inhibition")
        rule = _Rule(_side(source), _side(target), tuple(cast("Iterable[str]", names)))
        if all(
            (rule.source, rule.target, rule.equal) != (each.source, each.target, each.equal) for each in self._rules
        ):
            self._rules.append(rule)
            for fingerprint, alert in active:
                rule.note(fingerprint, _facts(alert))
        return FlextResult[None].ok(None)

    def note(self, fingerprint: str, alert: FlextAlert) -> bool:
        """Take an alert as it is now, and say whether it may have stopped inhibiting others."""
        if not self._rules:
            return False
        was_source = self.forget(fingerprint)
        facts = _facts(alert)
        for rule in self._rules:
            rule.note(fingerprint, facts)
        return was_source

    def forget(self, fingerprint: str) -> bool:
        """Take an alert that is active no more, and say whether it may have inhibited others."""
        return sum(rule.forget(fingerprint) for rule in self._rules) > 0

    def holds(self, fingerprint: str, alert: FlextAlert) -> bool:
        """Whether an active alert inhibits this one."""
        if not self._rules:
            return False
        facts = _facts(alert)
        return any(rule.inhibits(fingerprint, facts) for rule in self._rules)

    def forget_all(self) -> None:
        """Take it that nothing is active any more; the rules stay."""
        for rule in self._rules:
            rule.active.clear()
            rule.keys.clear()


def _facts(alert: FlextAlert) -> Facts:
    return {**alert.labels, "name": alert.name, "severity": alert.severity, "source": alert.source}


def _matches(side: Facts, facts: Facts) -> bool:
    return all(facts.get(name, "") == value for name, value in side.items())


def _side(given: object) -> Facts:
    if isinstance(given, str):
        return {"name": given}
    return {name: encode_tag(value) for name, value in cast("Mapping[str, object]", given).items()}


def _wrong_side(which: str, given: object) -> str:
    """Return what is wrong; empty when nothing is."""
    shown = quoted(given)
    if isinstance(given, str):
        return "" if given.strip() else f" {which}: it is blank; use the name of an alert"
    names = list(cast("Mapping[object, object]", given)) if isinstance(given, Mapping) else []
    if names and all(isinstance(name, str) for name in names):
        return ""
    allowed = f"the name of an alert, or a mapping of {', '.join(FIELDS)} and labels to values"
    return f" {which}: {shown}; use {allowed}"


def _wrong_names(given: object) -> str:
    shown = quoted(given)
    if isinstance(given, list | tuple) and all(isinstance(name, str) for name in cast("tuple[object, ...]", given)):
        return ""
    return f" equal: {shown}; use names of labels, such as ('host',)"
