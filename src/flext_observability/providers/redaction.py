"""Settings and registered rules → redaction of the pipeline. Rules that cannot be used are notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.extensions.redaction_rules import RedactionRule, redaction_rule_registry
from flext_observability.pipeline.redaction.redaction import Redaction
from flext_observability.pipeline.redaction.rule_names import DEFAULT, DEFAULT_RULES, RULE_NAMES

if TYPE_CHECKING:
    from flext_observability.providers.notices import Notices
    from flext_observability.settings.config import FlextObservabilityConfig


def make_redaction(config: FlextObservabilityConfig, notices: Notices) -> Redaction:
    """Return the redaction of the configuration."""
    chosen: dict[Signal, tuple[str, ...]] = {signal: _names(config, signal) for signal in SIGNALS}
    added = _added(chosen, notices)
    known = {*RULE_NAMES, *added}
    rules: dict[Signal, tuple[str, ...]] = {
        signal: tuple(name for name in names if name in known) for signal, names in chosen.items()
    }
    return Redaction(rules, added, config.redaction_allow, config.redaction_key)


def _names(config: FlextObservabilityConfig, signal: Signal) -> tuple[str, ...]:
    """Return the names of the rules of a signal, with those that ``default`` stands for."""
    given: Sequence[str] | None = getattr(config, f"{signal}_redaction")
    names: dict[str, None] = {}
    for name in config.redaction if given is None else given:
        every = (*DEFAULT_RULES, *redaction_rule_registry().registered()) if name == DEFAULT else (name,)
        names.update(dict.fromkeys(every))
    return tuple(names)


def _added(chosen: Mapping[Signal, Sequence[str]], notices: Notices) -> dict[str, RedactionRule]:
    """Return the rules that are registered or installed."""
    registry = redaction_rule_registry()
    added: dict[str, RedactionRule] = {}
    for name in dict.fromkeys(name for names in chosen.values() for name in names):
        if name in RULE_NAMES and name not in registry.registered():
            continue
        found = registry.find(name)
        if found.success:
            added[name] = found.unwrap()
        else:
            notices.degrade("all", found.message or "", found.fix)
    return added
