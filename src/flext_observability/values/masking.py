"""Text for people → the text with secrets masked (standard library only). When in doubt, more is masked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from flext_observability.values.lazy_pattern import lazy_pattern
from flext_observability.values.secret_names import is_secret_name

MASK: Final = "***"
MAX_MESSAGE_CHARACTERS: Final = 300
MIN_SECRET_CHARACTERS: Final = 4
"""Shorter known secrets are not masked in texts: they would be found in ordinary words."""

_ELLIPSIS: Final = "…"
_WORD: Final = lazy_pattern(r"[^\s'\"]+")
# A word with more than a scheme before "//", which may be a part of its password.
_AFTER_COLON: Final = lazy_pattern(r"[^\s:'\"]*:[^\s'\"]+$")
_MAX_WORD: Final = 256
_BEFORE_USER: Final = lazy_pattern(r".*[=,;(){}\[\]/]")
# `name=value`, `name: value`, `--name value` and `"name": "value"`, also as JSON inside JSON.
_NAME: Final = lazy_pattern(
    r"(?<!\w)([A-Za-z_][\w.-]{0,63})\\?['\"]?\s{0,3}(?:=>|==?|:=?)\s{0,3}|--([A-Za-z][\w.-]{0,63})\s{1,3}(?!-)"
)
_VALUE: Final = lazy_pattern(
    r"(?P<start>\\?(?P<quote>['\"]))(?:(?!(?P=quote)).)*(?P<end>(?P=quote)?)"
    r"|(?:(?:bearer|basic|digest|token|apikey)\s+)?[^&\s;,'\"]+",
    re.IGNORECASE | re.DOTALL,
)
_BEARER: Final = lazy_pattern(r"\b(bearer\s+)(?!token\b|auth)[^\s,;'\"]+", re.IGNORECASE)
_BASIC: Final = lazy_pattern(r"\b([Bb]asic\s+)(?=[A-Za-z+/]*[0-9A-Z=])[A-Za-z0-9+/=_-]{4,}")
_HTTP: Final = frozenset({"", "http:", "https:", "http", "https"})
_PLAIN_SCHEME: Final = lazy_pattern(r"([A-Za-z+]{1,8}:?)?")
_HOST: Final = lazy_pattern(r"(?:[\w.-]*|\[[0-9A-Fa-f:.%]+\]|[0-9A-Fa-f]*::?[0-9A-Fa-f:.]+)(?::\d*)?")
# Before the "@" stood the password, so this is not one: the word after the colon is shown.
_HOST_OF_USER: Final = lazy_pattern(rf"(?:{_HOST.pattern})|[\w.-]+:[a-z]{{1,6}}")
_END_OF_AUTHORITY: Final = lazy_pattern(r"[/?#\\\s]")
_END_OF_PATH: Final = lazy_pattern(r"[?#\\\s]")
_PLAIN_SEGMENT: Final = lazy_pattern(r"[a-z][a-z_.-]{0,23}|v\d{1,3}|\d{1,4}|")


def mask_credentials(text: str) -> str:
    """Return the text with everything masked between ``//`` and the last ``@``, and ``user:password@`` elsewhere.

    Passwords may contain any character, also ``/``, ``@`` and blanks.
    """
    if "@" not in text:
        return text
    start, end = text.find("//"), text.rfind("@")
    if 0 <= start < end:
        near = max(start - _MAX_WORD, 0)
        before = _AFTER_COLON.sub(f"{MASK}:", text[near:start])
        return f"{text[:near]}{before}//{MASK}{text[end:]}"
    return _WORD.sub(_mask_user, text)


def _mask_user(match: re.Match[str]) -> str:
    user, at, host = match[0].rpartition("@")
    if not at or ":" not in user:
        return match[0]
    before = _BEFORE_USER.match(user.partition(":")[0])
    return f"{before[0] if before else ''}{MASK}@{host}"


def mask_secrets(text: str) -> str:
    """Return the text with credentials of URLs masked, and values such as ``token=…``, ``Bearer …``."""
    text = mask_credentials(text)
    parts: list[str] = []
    position = 0
    while name := _NAME.search(text, position):
        parts.append(text[position : name.end()])
        position = name.end()
        if is_secret_name(name[1] or name[2]) and (value := _VALUE.match(text, position)):
            parts.append(f"{value['start'] or ''}{MASK}{value['end'] or ''}")
            position = value.end()
    text = "".join((*parts, text[position:]))
    return _BASIC.sub(rf"\1{MASK}", _BEARER.sub(rf"\1{MASK}", text))


def mask_known(text: str, secrets: Iterable[str]) -> str:
    """Return the text with these secrets masked, also one that is cut off at its end."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) < MIN_SECRET_CHARACTERS:
            continue
        text = text.replace(secret, MASK)
        if text.endswith(_ELLIPSIS):
            lengths = range(len(secret) - 1, MIN_SECRET_CHARACTERS - 1, -1)
            cut = next((each for each in lengths if text.endswith(f"{secret[:each]}{_ELLIPSIS}")), 0)
            text = f"{text[: -cut - 1]}{MASK}{_ELLIPSIS}" if cut else text
    return text


def mask_address(text: str, *, hide_path: bool = False) -> str:
    """Return an address, valid or not, without credentials, query, fragment and path segments that may be tokens.

    Args:
        text: Text that should be an address.
        hide_path: Whether the whole path is a secret, as in webhook addresses.
    """
    scheme, rest = _split_scheme(text.strip())
    authority, tail = _cut(rest, _END_OF_AUTHORITY)
    _, at, host = authority.rpartition("@")
    user = f"{MASK}@" if at else ""
    if "@" in tail and not _HOST.fullmatch(host):
        # The user or the password contains a slash, a blank or the like.
        return f"{scheme}{MASK}@{mask_address(tail.rpartition('@')[2], hide_path=hide_path)}"
    if "@" in tail and (at or tail[0] not in "/?#" or "@" in _cut(tail, _END_OF_PATH)[0]):
        return f"{scheme}{MASK}"  # the same, or a path with "@": what is the host is not clear
    if not (_HOST_OF_USER if at else _HOST).fullmatch(host):
        return f"{scheme}{user}{_mask_port(host)}{_mask_tail(tail, hide_path=hide_path)}"
    return f"{scheme}{user}{host}{_mask_tail(tail, hide_path=hide_path)}"


def _split_scheme(text: str) -> tuple[str, str]:
    scheme, slashes, rest = text.partition("//")
    if not slashes or "@" in scheme:
        return "", text
    is_plain = bool(_PLAIN_SCHEME.fullmatch(scheme))
    is_certain = scheme.lower() in _HTTP or (is_plain and "@" in _cut(rest, _END_OF_AUTHORITY)[0])
    if "@" in rest and not is_certain:
        return "", text  # the "//" may be a part of a password
    return f"{scheme if is_plain else f'{MASK}:'}//", rest


def _cut(text: str, border: re.Pattern[str]) -> tuple[str, str]:
    """Return the text before a border, and the rest with the border."""
    found = border.search(text)
    return (text[: found.start()], text[found.start() :]) if found else (text, "")


def _mask_port(authority: str) -> str:
    """Mask an authority that is not valid, except its host: the port may be a password without ``@`` after it."""
    host, _, _ = authority.partition(":")
    return f"{host}:{MASK}" if _HOST.fullmatch(host) else MASK


def _mask_tail(tail: str, *, hide_path: bool) -> str:
    if hide_path:
        return tail if tail in {"", "/"} else f"/{_ELLIPSIS}"
    path, rest = _cut(tail, _END_OF_PATH)
    return mask_path(path) + (f"?{MASK}" if rest else "")


def mask_path(path: str) -> str:
    """Return a path whose segments are shown if they are plain words, versions or small numbers."""
    return "/".join(part if _PLAIN_SEGMENT.fullmatch(part) else MASK for part in path.split("/"))


def sanitize_message(text: str, secrets: Iterable[str] = ()) -> str:
    """Return text of another program as one printable line of limited length, with secrets masked.

    Args:
        text: The text.
        secrets: Known secrets that the other program may quote.
    """
    text = mask_known(text, secrets)[: 4 * MAX_MESSAGE_CHARACTERS]
    printable = "".join(character if character.isprintable() else " " for character in text)
    line = mask_secrets(" ".join(printable.split()))
    return line if len(line) <= MAX_MESSAGE_CHARACTERS else line[: MAX_MESSAGE_CHARACTERS - 1] + _ELLIPSIS
