"""Table of the built-in rules: name, what it finds, and the function that finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from flext_observability.pipeline.redaction.cards import find_cards
from flext_observability.pipeline.redaction.credentials import (
    find_address_passwords,
    find_basic,
    find_bearer,
    find_private_keys,
)
from flext_observability.pipeline.redaction.formats import FORMATS
from flext_observability.pipeline.redaction.pairs import find_pairs
from flext_observability.pipeline.redaction.rule_names import EMAIL, FORMAT_RULES, KEY
from flext_observability.values.lazy_pattern import lazy_pattern
from flext_observability.values.named_tuple import NamedTuple

Find = Callable[[str], Iterable[tuple[int, int]]]
"""Text → start and end of each secret in it."""
_EMAIL: Final = lazy_pattern(
    r"(?<![\w.%+-])[\w.%+-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9-]{1,63}){1,8}(?![\w@])"
)


class Rule(NamedTuple):
    """A built-in rule.

    Attributes:
        name: Name in settings, markers and the status.
        what: What it finds, for the documentation.
        find: Finds the secrets; None for rules of another kind: names of attributes, formats.
    """

    name: str
    what: str
    find: Find | None = None


def _find_emails(text: str) -> Iterator[tuple[int, int]]:
    for match in _EMAIL.finditer(text):
        yield match.span()


RULES: Final = (
    Rule(KEY, "value of an attribute whose name is that of a secret: `user.password`, `X-API-Key`, `sessionId`"),
    Rule("pair", "value beside such a name in a text: `password=…`, JSON, query, header, cookie, XML", find_pairs),
    Rule("private-key", "private key in PEM or PuTTY form", find_private_keys),
    Rule("bearer", "token of `Bearer …`", find_bearer),
    Rule("basic", "user and password of `Basic …`", find_basic),
    Rule("url-password", "password in an address: `scheme://user:password@host`", find_address_passwords),
    Rule("card", "number of a payment card, with issuer and check digit", find_cards),
    Rule(EMAIL, "e-mail address (off by default)", _find_emails),
)


def rule_table() -> list[tuple[str, str]]:
    """Return name and description of each built-in rule, for the documentation."""
    formats = [(name, ", ".join(each.what for each in FORMATS if each.rule == name)) for name in FORMAT_RULES]
    return [*((rule.name, rule.what) for rule in RULES), *formats]
