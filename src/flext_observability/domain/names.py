"""Name of something → what is wrong with it (standard library only)."""

from __future__ import annotations

from typing import Final

MAX_NAME_LETTERS: Final = 1024


def name_problem(name: str, hint: str) -> str:
    """Return what is wrong with a name: it is blank, or over ``MAX_NAME_LETTERS``; empty when nothing is.

    Args:
        name: The name.
        hint: What to do about a blank one.
    """
    if not name.strip():
        return f"it is blank; {hint}"
    if len(name) > MAX_NAME_LETTERS:
        return f"it has {len(name)} characters; use at most {MAX_NAME_LETTERS}, and put the rest into the details"
    return ""
