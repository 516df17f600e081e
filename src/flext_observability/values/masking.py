"""Text for people → the text with secrets masked (standard library only)."""

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


def mask_credentials(text: str) -> str:
    """Return the text with ``user:password@`` of URLs masked, also without a scheme."""
    return _CREDENTIALS.sub(lambda match: f"{match[1] or match[2]}{MASK}@", text)


def mask_secrets(text: str) -> str:
    """Return the text with credentials of URLs masked, and values such as ``token=…``."""
    return _SECRET_IN_TEXT.sub(rf"\1{MASK}", mask_credentials(text))


def sanitize_message(text: str) -> str:
    """Return text of another program as one printable line of limited length, with secrets masked."""
    text = text[: 4 * MAX_MESSAGE_CHARACTERS]
    printable = "".join(character if character.isprintable() else " " for character in text)
    line = mask_secrets(" ".join(printable.split()))
    return line if len(line) <= MAX_MESSAGE_CHARACTERS else line[: MAX_MESSAGE_CHARACTERS - 1] + "…"


def is_secret_name(name: str) -> bool:
    """Return whether values with this name are secret."""
    return _SECRET_NAME.search(name) is not None
