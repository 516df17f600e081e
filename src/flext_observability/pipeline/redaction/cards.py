"""Text → numbers of payment cards: issuer, length, grouping and check digit are right (standard library only)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flext_observability.values.lazy_pattern import lazy_pattern

MIN_NUMBER: Final = 10**13
"""Smaller numbers are not examined."""
_MIN_DIGITS: Final = 14
_HINT: Final = lazy_pattern(r"\d{4}[ -]?\d{4}")
# Not a part of a longer number, of a fraction, of an id or of a word.
_DIGITS: Final = lazy_pattern(
    r"(?<![\w.+-])(?:\d{14,16}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{4,5})(?![\w+]|[.,-]\d|-\w)"
)
# Visa, Mastercard, Discover, JCB, UnionPay, Maestro; American Express; Diners.
_ISSUERS: Final = lazy_pattern(
    r"(?:4\d|5[0-8]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|6(?:011|4[4-9]|5|2|304|759|76[0-3])|35(?:2[89]|[3-8]))\d+"
)
_AMEX: Final = lazy_pattern(r"3[47]\d{13}")
_DINERS: Final = lazy_pattern(r"3(?:0[0-5]|[68]\d)\d{11}")
_PATTERNS: Final = {16: _ISSUERS, 15: _AMEX, 14: _DINERS}


def may_have_cards(text: str) -> bool:  # measured: benchmarks, redaction
    """Return False for most texts without a card number. Fast."""
    return len(text) >= _MIN_DIGITS and _HINT.search(text) is not None


def find_cards(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each card number."""
    for match in _DIGITS.finditer(text):
        if is_card(match[0].replace(" ", "").replace("-", "")):
            yield match.span()


def is_card(digits: str) -> bool:
    """Return whether digits are the number of a card."""
    pattern = _PATTERNS.get(len(digits))
    return pattern is not None and pattern.fullmatch(digits) is not None and _has_check_digit(digits)


def _has_check_digit(digits: str) -> bool:
    """Return whether the last digit is that of the Luhn formula. Numbers of one repeated digit have none."""
    doubled = (2 * int(each) for each in digits[-2::-2])
    total = sum(map(int, digits[-1::-2])) + sum(each - 9 if each > 9 else each for each in doubled)
    return total % 10 == 0 and len(set(digits)) > 1
