"""Name → redaction rule of the program or of another package: a regular expression, or a function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, cast

from flext_observability.domain.result import FlextResult
from flext_observability.extensions.registry import ExtensionRegistry
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.encoding import preview
from flext_observability.values.exceptions import describe_error
from flext_observability.values.foreign import is_a, type_name
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.lazy_pattern import lazy_pattern

RedactionRule = str | re.Pattern[str] | Callable[[str], Iterable[str]]
_RULE_NAME: Final = lazy_pattern(r"[a-z0-9_.-]{1,40}")


class RedactionRuleRegistry(ExtensionRegistry[RedactionRule]):
    """Redaction rules of the program and of other packages by name."""

    kind = "redaction_rule"
    groups = ("flext_observability.redaction_rules",)
    reserved_names = ("none", "default", "true", "false")

    def registered(self) -> tuple[str, ...]:
        """Return the names of the registered rules."""
        return tuple(self._registered)

    def _validate_name(self, name: object, text: str | None) -> str:
        problem = super()._validate_name(name, text)
        if not problem and not _RULE_NAME.fullmatch(text or ""):
            return f"the name {preview(name)} is not of lower-case letters, digits, '_', '.' and '-', up to 40"
        return problem

    def _validate(self, extension: object) -> str:
        """Return what is wrong with a rule; a text is compiled."""
        if is_a(extension, re.Pattern):
            is_text = is_a(cast("re.Pattern[str]", extension).pattern, str)
            return "" if is_text else "the pattern is one of bytes"
        try:
            if is_a(extension, str):
                re.compile(extension)
                return ""
            return "" if callable(extension) else f"{type_name(extension)} is neither a pattern nor a function"
        except BaseException as error:  # noqa: BLE001 - not a pattern, or a foreign object
            reraise_interrupt(error)
            return describe_error(error)


def redaction_rule_registry() -> RedactionRuleRegistry:
    """Return the redaction rules of the process."""
    return current_runtime().get(RedactionRuleRegistry)


def register_redaction_rule(name: str, rule: RedactionRule) -> FlextResult[None]:
    """Register a rule that masks secrets, from the next ``init_observability`` on.

    It is one of the rules ``default`` of the setting ``redaction``, and can be named for one signal. It replaces a
    built-in one of its name.

    Args:
        name: Name of lower-case letters, digits, ``_``, ``.`` and ``-``.
        rule: Regular expression, whose group ``secret`` or whole match is masked; or a function that returns the
            secret parts of a text. It is called on a thread of this library, for each text that was not examined yet.

    Returns:
        None on success. Failure ``invalid_redaction_rule``: the name or the rule is not valid.
    """
    return redaction_rule_registry().register(name, rule)
