"""Text for people → the same without the secrets that can be told from their surroundings (standard library only)."""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "***"
MAX_MESSAGE_CHARACTERS: Final = 300
_CREDENTIALS: Final = re.compile(r"(//)[^/\s]*@|^(['\"]?)[^/\s'\"]*:[^/\s]*@")
_WORDS: Final = (
    r"pass(?:word|wd|phrase)?|secret|token|credential|authorization|cookie|api[-_]?key|access[-_]?key|private[-_]?key"
)
_SECRET_NAME: Final = re.compile(rf"(?:^|[^a-z])(?:{_WORDS})s?(?:$|[^a-z])", re.IGNORECASE)
_SECRET_IN_TEXT: Final = re.compile(rf"\b((?:[\w-]{{0,40}}[_-])?(?:{_WORDS})=)[^&\s;,'\"]+", re.IGNORECASE)


def without_credentials(text: str) -> str:
    """Return a text with the ``user:password@`` of addresses in it hidden, and of one without a scheme."""
    return _CREDENTIALS.sub(lambda found: f"{found[1] or found[2]}{MASK}@", text)


def masked_text(text: str) -> str:
    """Return a text with credentials of addresses hidden, and the values of ``token=…`` and the like."""
    return _SECRET_IN_TEXT.sub(rf"\1{MASK}", without_credentials(text))


def sanitize_message(text: str) -> str:
    """Return the text of another program as one printable line of at most ``MAX_MESSAGE_CHARACTERS``, secrets masked."""
    text = text[: 4 * MAX_MESSAGE_CHARACTERS]
    printable = "".join(character if character.isprintable() else " " for character in text)
    line = masked_text(" ".join(printable.split()))
    return line if len(line) <= MAX_MESSAGE_CHARACTERS else line[: MAX_MESSAGE_CHARACTERS - 1] + "…"


def is_secret_name(name: str) -> bool:
    """Whether a value under this name is to be masked."""
    return _SECRET_NAME.search(name) is not None
