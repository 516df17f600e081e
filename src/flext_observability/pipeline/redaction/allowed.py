"""Setting ``redaction_allow`` → names and values that are never masked (standard library only)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import translate
from typing import Final, final

_NEVER: Final = r"(?!)"


@final
class Allowed:
    """Patterns of names and values, in any case; ``*`` stands for any text.

    Args:
        patterns: Patterns, such as ``session.id`` or ``test_*``.
    """

    __slots__ = ("_match",)

    def __init__(self, patterns: Sequence[str]) -> None:
        # Brackets and question marks stand for themselves.
        quoted = (translate(re.sub(r"[\[?]", r"[\g<0>]", each)) for each in patterns)
        self._match = re.compile("|".join(quoted) or _NEVER, re.IGNORECASE).match

    def has_name(self, name: str) -> bool:
        """Return whether the values of this name are not examined."""
        return self._match(name) is not None

    def has_value(self, secret: str) -> bool:
        """Return whether a secret that was found is not masked."""
        return self._match(secret) is not None
