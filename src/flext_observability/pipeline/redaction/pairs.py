"""Text → values beside a secret name: ``password=…``, ``"token": "…"``, ``--api-key …``, headers, cookies, XML.

Also query strings, connection strings, and JSON inside JSON. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from flext_observability.pipeline.redaction.harmless import is_harmless
from flext_observability.values.lazy_pattern import lazy_pattern
from flext_observability.values.secret_names import COUNTED, STEMS, is_secret_name

_NAME: Final = lazy_pattern(
    r"\bname=\"(?P<part>[\w.-]{1,64})\"\s*?(?P<head>\r?\n\r?\n)"
    r"|(?:(?<![A-Za-z0-9_])|(?<=%[0-9A-Fa-f]{2}))"
    r"(?P<name>[A-Za-z_][\w.-]{0,63}(?:%5B[\w.-]{1,40}%5D|\[[\w.-]{1,40}\])?)"
    r"(?:\\{0,4}['\"]|%22)?\]?(?P<sign>\s{0,3}(?:=>|==?|:=|:(?!:)|%3D|%3A)[ \t]{0,3})"
    r"|(?<![\w-])--?(?P<flag>[A-Za-z][\w.-]{1,63})(?P<blank>\s{1,3})(?!-)"
    r"|<(?P<tag>[A-Za-z_][\w.:-]{0,63})>(?P<open>)"
)
_QUOTED: Final = lazy_pattern(
    r"[brfu]{0,2}(?P<quote>\\{0,4}['\"]|%22)(?P<value>(?:(?!(?P=quote)).)*)(?:(?P=quote))?", re.DOTALL
)
_STEMS: Final = (*STEMS, "sig")
_SCHEME: Final = lazy_pattern(r"(?:bearer|basic|digest|token|apikey|negotiate|ntlm|key)\s+", re.IGNORECASE)
# A comma or semicolon ends a value if white space or another pair follows.
_BARE: Final = lazy_pattern(r"(?:[^\s&;,'\"<]|[,;](?=[^\s,;])(?![\w. -]{1,40}[=:]))+")
_ENCODED: Final = lazy_pattern(r"(?:(?!%(?:26|22|20|0[AD]|3B|2C))[^\s&;,'\"<])+", re.IGNORECASE)
_LINE: Final = lazy_pattern(r"(?:[^\r\n\"']|(?<==)\"[^\"\r\n]*\")+")
_XML: Final = lazy_pattern(r"(?:<!\[CDATA\[)?(?P<value>[^<\]]*)(?=</|\]\]>|\Z)")
_HEADERS: Final = lazy_pattern(r"(?:proxy-|x-)?authorization|(?:set-?)?cookies?2?", re.IGNORECASE)
_OPENING: Final = ("{", "[", "(")
_TRAILING: Final = ")]}>."
_SIGNATURES: Final = frozenset({"x-amz-signature", "x-goog-signature", "sig", "signature"})
_MIN_SIGNATURE: Final = 20
_MAX_EXAMINED: Final = 512


def may_have_pairs(text: str) -> bool:  # measured: benchmarks, redaction
    """Return whether a text may have a pair with a secret name."""
    if not ("=" in text or ":" in text or "--" in text or "<" in text or "%3" in text or "-Disp" in text):
        return False
    lowered = text.lower()
    for stem in _STEMS:  # noqa: SIM110 - a generator costs more
        if stem in lowered:
            return True
    return False


def find_pairs(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each secret value."""
    position = 0
    while name := _NAME.search(text, position):
        position = name.end()
        given = name["name"] or name["flag"] or name["tag"] or name["part"]
        if _is_secret(given):
            found = _value(text, name)
            if found is not None:
                yield found
                position = max(position, found[1])


def _is_secret(name: str) -> bool:
    return is_secret_name(name) or name.lower() in _SIGNATURES


def _value(text: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Return start and end of the value after a name; None without a secret one."""
    start = name.end()
    if name["tag"] is not None or name["part"] is not None:
        pattern = _XML if name["tag"] is not None else _LINE
        return _unless_harmless(text, pattern.match(text, start), quoted=True, spaced=False)
    sign = name["sign"] or " "
    quoted = _QUOTED.match(text, start)
    if quoted is not None:
        return _unless_harmless(text, quoted, quoted=True, spaced=False)
    given = name["name"] or name["flag"]
    if _HEADERS.fullmatch(given) and "=" not in sign:
        return _header(text, start, is_cookie="cookie" in given.lower())
    if text.startswith(_OPENING, start):
        return None
    scheme = _SCHEME.match(text, start)
    begin = scheme.end() if scheme else start
    pattern = _ENCODED if "%" in sign else _BARE
    found = _unless_harmless(text, pattern.match(text, begin), quoted=False, spaced=sign != sign.strip())
    return None if found is not None and _is_other(given.lower(), text[slice(*found)]) else found


def _is_other(name: str, value: str) -> bool:
    """Return whether a value is a short word ``sig``, or a number that is a count."""
    return (name in _SIGNATURES and len(value) < _MIN_SIGNATURE) or (name.endswith(COUNTED) and value.isdigit())


def _header(text: str, start: int, *, is_cookie: bool) -> tuple[int, int] | None:
    """Return start and end of the value of a header: the rest of its line."""
    scheme = _SCHEME.match(text, start)
    begin = scheme.end() if scheme else start
    first, blank, after = text[begin : begin + _MAX_EXAMINED].partition("\n")[0].partition(" ")
    if is_harmless(first, blank + after, quoted=False, spaced=True) or (is_cookie and "=" not in first + after):
        return None
    line = _LINE.match(text, begin)
    return None if line is None else (begin, begin + len(line[0].rstrip()))


def _unless_harmless(text: str, match: re.Match[str] | None, *, quoted: bool, spaced: bool) -> tuple[int, int] | None:
    if match is None:
        return None
    start, end = match.span("value" if "value" in match.re.groupindex else 0)
    value = text[start:end]
    if not quoted:
        stripped = value.rstrip(_TRAILING)
        if not is_harmless(value, text[end : end + _MAX_EXAMINED], quoted=False, spaced=spaced):
            value = stripped
        end = start + len(value)
    after = text[end : end + _MAX_EXAMINED]
    return None if is_harmless(value.strip(), after, quoted=quoted, spaced=spaced) else (start, end)
