"""Text of a variable or object of an argument → typed value, or a ValueError with the reason."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Generic, TypeVar, cast
from urllib.parse import unquote

from flext_observability.values import names
from flext_observability.values.dataclass import dataclass
from flext_observability.values.foreign import copy_mapping
from flext_observability.values.lazy_pattern import lazy_pattern
from flext_observability.values.masking import mask_address, mask_secrets

T_co = TypeVar("T_co", covariant=True)

MAX_SECONDS = 1_000_000.0
"""Maximum of every time setting, in seconds (11.5 days: the limit of sockets and locks on some platforms)."""

_TOKEN = lazy_pattern(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = lazy_pattern(r"[\t\x20-\x7e]*")
_MAX_COUNT = 2**31 - 1


class PartialParseError(ValueError):
    """Some items of a list are invalid.

    Attributes:
        value: Value of the valid items.
    """

    def __init__(self, message: str, value: Mapping[str, str]) -> None:
        super().__init__(message)
        self.value = value


@dataclass(frozen=True, slots=True)
class FieldType(Generic[T_co]):
    """Type of a setting.

    Attributes:
        name: Name on the reference page.
        allowed: Description of valid values; follows "must be" in messages.
        accept: Object of an argument → value. Raises ValueError, with a message if ``allowed`` is not enough.
        convert: Text of a variable → object of an argument. Raises ValueError.
        secret: Whether values are hidden in messages, ``repr`` and pages.
        mask: Text of a value that is not secret as a whole → the text to show.
    """

    name: str
    allowed: str
    accept: Callable[[object], T_co]
    convert: Callable[[str], object] = str
    secret: bool = False
    mask: Callable[[str], str] = mask_secrets

    def parse(self, text: str) -> T_co:
        """Return the value of a variable, whose text is not blank. Raises ValueError like ``accept``."""
        return self.accept(self.convert(text))


def clean_text(value: object) -> str:
    """Return text without surrounding white space and lone surrogates (UTF-8 cannot encode them).

    Raises:
        ValueError: The value is not text.
    """
    if not isinstance(value, str):
        raise ValueError
    return value.strip().encode("utf-8", "replace").decode("utf-8")


def text_type(name: str, allowed: str, pattern: str = "", *, secret: bool = False) -> FieldType[str]:
    """Return a type for text that matches ``pattern`` as a whole. An empty pattern matches any text."""

    def read(value: object) -> str:
        text = clean_text(value)
        if pattern and not re.fullmatch(pattern, text):
            raise ValueError
        return text

    return FieldType(name, allowed, read, secret=secret)


def choice_type(*choices: str) -> FieldType[str]:
    """Return a type for one of ``choices``, in any case."""

    def read(value: object) -> str:
        choice = clean_text(value).lower()
        if choice not in choices:
            raise ValueError
        return choice

    return FieldType("word", f"one of {', '.join(choices)}", read)


_BOOLS = {"true": True, "false": False}


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def int_type(name: str, low: int, high: int = _MAX_COUNT) -> FieldType[int]:
    """Return a type for integers from ``low`` to ``high``."""

    def accept(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError
        return int(value)

    return FieldType(name, f"a whole number from {low} to {high}", accept, int)


def float_type(
    name: str, low: float, high: float, *, scale: float = 1.0, zero_means_unlimited: bool = False
) -> FieldType[float]:
    """Return a type for numbers from ``low`` to ``high``.

    Args:
        name: Name on the reference page.
        low: Minimum, in the unit of the resolved setting.
        high: Maximum, in the unit of the resolved setting.
        scale: Factor from the given number to the resolved setting (0.001 converts milliseconds to seconds).
        zero_means_unlimited: Whether 0 means "no limit" and becomes ``high``.
    """

    def accept(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ValueError
        number = float(value) * scale
        if not math.isfinite(number) or not low <= number <= high:
            raise ValueError
        return high if zero_means_unlimited and number == 0 else number

    limit = ", 0 for no limit" if zero_means_unlimited else ""
    return FieldType(name, f"a number from {low / scale:g} to {high / scale:g}{limit}", accept, float)


def split_names(value: object) -> tuple[str, ...]:
    """Return the distinct names in a comma-separated text or a sequence of texts, in order."""
    if isinstance(value, str):
        parts: Sequence[object] = value.split(",")
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        parts = cast("Sequence[object]", value)
    else:
        raise ValueError
    names = tuple(dict.fromkeys(name for part in parts if (name := clean_text(part))))
    if any(mask_secrets(name) != name for name in names):
        # Messages quote names that are unknown or not installed.
        raise ValueError("a secret, such as the password of an address, is not a name")
    return names


def _redaction(value: object) -> tuple[str, ...]:
    """Return names of redaction rules; ``default`` for true, none for false."""
    if isinstance(value, bool):
        return ("default",) if value else ()
    names = tuple(name.lower() for name in split_names(value))
    switch = _BOOLS.get(names[0]) if len(names) == 1 else None
    return names if switch is None else _redaction(switch)


def _split_pairs(value: object) -> tuple[dict[str, str], int]:
    """Return the pairs of a mapping or of percent-encoded ``name=value,…``, and the number of invalid ones."""
    if isinstance(value, str):
        parts = [part.partition("=") for part in value.split(",") if part.strip()]
        pairs = [
            (clean_text(unquote(name)) if equals else "", clean_text(unquote(item))) for name, equals, item in parts
        ]
    elif isinstance(value, Mapping):
        given = copy_mapping(cast("Mapping[object, object]", value))
        pairs = [(clean_text(name), _scalar(item)) for name, item in given.items()]
    else:
        raise ValueError
    valid = [pair for pair in pairs if pair[0]]
    return dict(valid), len(pairs) - len(valid)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else clean_text(value)


def _require_all_valid(pairs: dict[str, str], invalid: int, reason: str) -> dict[str, str]:
    if invalid:
        raise PartialParseError(f"{invalid} of its parts {'has' if invalid == 1 else 'have'} {reason}", pairs)
    return pairs


def _key_values(value: object) -> dict[str, str]:
    pairs, invalid = _split_pairs(value)
    return _require_all_valid(pairs, invalid, "no name or no '='" if isinstance(value, str) else "no name")


def _gauge_modes(value: object) -> dict[str, str]:
    """Return names of gauges with their modes; ``process`` keeps the values of processes apart."""
    pairs, invalid = _split_pairs(value)
    valid = {name: mode.lower() for name, mode in pairs.items() if mode.lower() in names.GAUGE_MODES}
    invalid += len(pairs) - len(valid)
    return _require_all_valid(valid, invalid, f"no name, or none of the modes {', '.join(names.GAUGE_MODES)}")


def _headers(value: object) -> dict[str, str]:
    """Return HTTP headers, with names in lower case (gRPC requires it)."""
    pairs, invalid = _split_pairs(value)
    valid = [pair for pair in pairs.items() if _TOKEN.fullmatch(pair[0]) and _HEADER_VALUE.fullmatch(pair[1])]
    invalid += len(pairs) - len(valid)
    reason = "no header name, no '=', or a value that is not printable ASCII"
    return _require_all_valid({name.lower(): item for name, item in valid}, invalid, reason)


_LEVEL_NUMBERS = {5: "TRACE", 10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
_LEVELS = tuple(_LEVEL_NUMBERS.values())
_LEVEL_ALIASES = {"WARN": "WARNING", "FATAL": "CRITICAL", "NOTSET": "TRACE"}


def _level(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return _LEVEL_NUMBERS.get(value) or _level("")
    name = clean_text(value).upper()
    name = _LEVEL_ALIASES.get(name, name)
    if name not in _LEVELS:
        raise ValueError
    return name


_COUNT_OR_ZERO = int_type("limit", 0)


def _limit(value: object) -> int | None:
    return None if value is None else _COUNT_OR_ZERO.accept(value)


NO_KEY_VALUES: Mapping[str, str] = {}
"""Default of settings that hold key-value lists; copied into each configuration."""

TEXT = text_type("text", "text")
URL_TEXT = replace(TEXT, mask=mask_address)
SECRET = text_type("text", "text", secret=True)
BOOL = FieldType("true or false", "true or false", _bool, lambda text: _BOOLS.get(text.strip().lower()))
COUNT = int_type("count", 1)
LIMIT = FieldType("limit", f"{_COUNT_OR_ZERO.allowed}, or None for no limit", _limit, int)
PORT = int_type("port", 0, 65_535)
RATIO = float_type("ratio", 0.0, 1.0)
PERCENT = float_type("percent", 0.01, 100.0)
SECONDS = float_type("seconds", 0.0, MAX_SECONDS)
INTERVAL = float_type("seconds", 0.001, MAX_SECONDS)
TIMEOUT = float_type("seconds", 0.0, MAX_SECONDS, zero_means_unlimited=True)
MILLISECOND_INTERVAL = float_type("milliseconds", 0.001, MAX_SECONDS, scale=0.001)
MILLISECOND_TIMEOUT = float_type("milliseconds", 0.0, MAX_SECONDS, scale=0.001, zero_means_unlimited=True)
NAMES = FieldType("names", "a name, a comma-separated list or a sequence of names", split_names)
REDACTION = FieldType("rules", "true, false, or names of rules, comma-separated or as a sequence", _redaction)
KEY_VALUE_LIST = FieldType("pairs", "a mapping of names to texts, or text like 'name=value,name=value'", _key_values)
GAUGE_MODES = FieldType("pairs", "a mapping of names to modes, or text like 'name=sum,name.*=max'", _gauge_modes)
HEADERS = FieldType(
    "pairs", "a mapping of header names to texts, or text like 'name=value,name=value'", _headers, secret=True
)
LEVEL = FieldType("level", f"one of {', '.join(_LEVELS)}", _level)
HEADER_NAME = text_type("header name", "an HTTP header name", _TOKEN.pattern)
