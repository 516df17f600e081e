"""Word or UCUM code → UCUM code for OpenTelemetry instruments.

Source: https://ucum.org/ucum and https://opentelemetry.io/docs/specs/semconv/general/metrics/#instrument-units
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

MAX_UNIT_LENGTH: Final = 63
"""Maximum length of an OpenTelemetry instrument's unit, in characters."""

_WORDS: Final = {
    "ratio": "1",
    "percent": "%",
    "nanosecond": "ns",
    "microsecond": "us",
    "millisecond": "ms",
    "second": "s",
    "sec": "s",
    "minute": "min",
    "hour": "h",
    "day": "d",
    "bit": "bit",
    "byte": "By",
    "kilobyte": "kBy",
    "megabyte": "MBy",
    "gigabyte": "GBy",
    "kibibyte": "KiBy",
    "mebibyte": "MiBy",
    "gibibyte": "GiBy",
    "celsius": "Cel",
    "kelvin": "K",
    "hertz": "Hz",
    "meter": "m",
    "metre": "m",
    "gram": "g",
    "kilogram": "kg",
    "volt": "V",
    "ampere": "A",
    "watt": "W",
    "joule": "J",
}
_PREFIXED: Final = ("s", "By", "bit", "m", "g", "Hz", "V", "A", "W", "J", "K")
_PREFIXES: Final = ("", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti")
_CODES: Final = frozenset(
    ("1", "%", "min", "h", "d", "wk", "mo", "a", "Cel", *(prefix + code for prefix in _PREFIXES for code in _PREFIXED))
)


@lru_cache(maxsize=1024)
def to_ucum(unit: str) -> str:
    """Translate a unit.

    UCUM codes are unchanged. Names of UCUM units become codes (``milliseconds`` → ``ms``, ``bytes`` → ``By``).
    Other words become annotations (``count`` → ``{count}``, ``USD`` → ``{USD}``).

    Args:
        unit: Word or UCUM code; may be empty.

    Returns:
        At most 63 characters.
    """
    text = unit.strip()
    if not text or text in _CODES or (text.startswith("{") and text.endswith("}")):
        return text[:MAX_UNIT_LENGTH]
    parts = [_translate(part.strip()) for part in text.split("/")]
    translated = "/".join(parts)
    return translated if all(parts) and len(translated) <= MAX_UNIT_LENGTH else _annotate(text)


def _translate(word: str) -> str:
    if not word or word in _CODES or (word.startswith("{") and word.endswith("}")):
        return word
    lower = word.lower()
    return _WORDS.get(lower) or _WORDS.get(lower.removesuffix("s")) or _annotate(word)


def _annotate(word: str) -> str:
    plain = "".join("_" if character in "{} " else character for character in word)
    return "{" + plain[: MAX_UNIT_LENGTH - 2] + "}"
