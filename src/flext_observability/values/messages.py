"""Parts of messages for people: what is wrong, the next action, names (standard library only)."""

from __future__ import annotations

import re
from typing import Final

_COPIED: Final = re.compile(r"[-_/=\]]\S*$|\.$")
"""End of a fix that gets no full stop: a path, an option, a package to copy; or a full stop of its own."""
MAX_NAME_LENGTH: Final = 1024


def compose_message(message: str, fix: str) -> str:
    """Return ``<what>: <why>. <action>.``; the message alone when there is no fix.

    Args:
        message: What is wrong and why, without a full stop.
        fix: The next action, without a full stop; empty for none.
    """
    if not fix:
        return message
    return f"{message}. {fix}" if _COPIED.search(fix) else f"{message}. {fix}."


def describe_invalid_name(name: str, hint: str) -> str:
    """Return why a name is invalid: blank, or longer than ``MAX_NAME_LENGTH`` characters. Return an empty text for a valid one.

    Args:
        name: The name.
        hint: The next action for a blank name.
    """
    if not name.strip():
        return f"it is blank; {hint}"
    if len(name) > MAX_NAME_LENGTH:
        return f"it has {len(name)} characters; use at most {MAX_NAME_LENGTH}, and put the rest into the details"
    return ""
