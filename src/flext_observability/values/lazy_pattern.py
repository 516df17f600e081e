"""Regular expression → pattern that is compiled on first use: a start would compile twenty, and use few of them."""

from __future__ import annotations

import re
from typing import Any, cast, final


@final
class _LazyPattern:
    """Has the methods and attributes of a compiled pattern. Thread-safe."""

    def __init__(self, expression: str, flags: int) -> None:
        self.pattern = expression
        self._arguments = expression, flags

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of a pattern
        found = getattr(re.compile(*self._arguments), name)
        setattr(self, name, found)  # found without this method from now on
        return found


def lazy_pattern(expression: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern that is compiled when one of its methods is used for the first time.

    Args:
        expression: Regular expression. A wrong one raises on first use.
        flags: Flags of the module ``re``.
    """
    return cast("re.Pattern[str]", _LazyPattern(expression, flags))
