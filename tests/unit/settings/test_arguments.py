from __future__ import annotations

from typing import get_type_hints

from flext_observability.settings.arguments import InitArguments
from flext_observability.settings.config import FIELDS


def test_keyword_arguments_are_the_fields_and_their_aliases() -> None:
    expected = [name for row in FIELDS.values() for name in (row.name, *row.aliases)]
    assert list(get_type_hints(InitArguments)) == expected


def test_every_keyword_argument_may_be_none() -> None:
    assert all(type(None) in hint.__args__ for hint in get_type_hints(InitArguments).values())
