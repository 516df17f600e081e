"""Variable text or argument object → typed value, or ValueError that says what is allowed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast
from urllib.parse import unquote

T_co = TypeVar("T_co", covariant=True)

LONGEST_SECONDS = 1_000_000.0
"""Longest time a setting can hold, in seconds (11.5 days: sockets and locks take no more on every platform)."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_LARGEST_COUNT = 2**31 - 1


class PartialParseError(ValueError):
    """Some parts of a list were wrong and left out.

    Attributes:
        value: What the good parts give.
    """

    def __init__(self, message: str, value: Mapping[str, str]) -> None:
        super().__init__(message)
        self.value = value


@dataclass(frozen=True, slots=True)
class Kind(Generic[T_co]):
    """One way to read a setting.

    Attributes:
        name: Word for the reference page.
        allowed: What a value must be; follows "must be" in messages.
        parse: Text of a variable (never blank) → value; raises ValueError, message empty where ``allowed`` says it all.
        accept: Object of an argument → value; raises ValueError likewise.
        secret: Whether values stay out of messages and ``repr``.
    """

    name: str
    allowed: str
    parse: Callable[[str], T_co]
    accept: Callable[[object], T_co]
    secret: bool = False


def clean(text: str) -> str:
    """Return the text without outer blanks, lone surrogates replaced (every back end takes UTF-8 only)."""
    return text.strip().encode("utf-8", "replace").decode("utf-8")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return clean(value)


def text_type(name: str, allowed: str, pattern: str = "", *, secret: bool = False) -> Kind[str]:
    """Return the kind of text that matches ``pattern`` as a whole; an empty pattern takes any text."""

    def read(value: object) -> str:
        text = _text(value)
        if pattern and not re.fullmatch(pattern, text):
            raise ValueError
        return text

    return Kind(name, allowed, read, read, secret)


def choice_kind(*words: str, **replaced: str) -> Kind[str]:
    """Return the kind that takes one of ``words`` in any case; ``replaced`` maps older words to the one meant."""

    def read(value: object) -> str:
        word = _text(value).lower()
        word = replaced.get(word, word)
        if word not in words:
            raise ValueError
        return word

    return Kind("word", f"one of {', '.join(words)}", read, read)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _flag_text(text: str) -> bool:
    word = text.strip().lower()
    if word not in {"true", "false"}:
        raise ValueError
    return word == "true"


def int_type(name: str, low: int, high: int = _LARGEST_COUNT) -> Kind[int]:
    """Return the kind of whole numbers from ``low`` to ``high``."""

    def accept(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError
        return int(value)

    return Kind(name, f"a whole number from {low} to {high}", lambda text: accept(int(text)), accept)


def float_type(
    name: str, low: float, high: float, *, scale: float = 1.0, zero_means_unlimited: bool = False
) -> Kind[float]:
    """Return the kind of numbers from ``low`` to ``high``.

    Args:
        name: Word for the reference page.
        low: Smallest value, in the unit of the resolved setting.
        high: Largest value, in the unit of the resolved setting.
        scale: Factor from the number given to the resolved setting (0.001 reads milliseconds as seconds).
        zero_means_unlimited: Whether 0 means "no limit" and becomes ``high``.
    """

    def accept(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ValueError
        number = float(value) * scale
        if not math.isfinite(number) or not low <= number <= high:
            raise ValueError
        return high if zero_means_unlimited and number == 0 else number

    allowed = f"a number from {low / scale:g} to {high / scale:g}" + (
        ", 0 for no limit" if zero_means_unlimited else ""
    )
    return Kind(name, allowed, lambda text: accept(float(text)), accept)


def split_names(value: object) -> tuple[str, ...]:
    """Return the names in a comma-separated text or a sequence of texts: blanks dropped, each name once, in order."""
    if isinstance(value, str):
        parts: Sequence[object] = value.split(",")
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        parts = cast("Sequence[object]", value)
    else:
        raise ValueError
    names = (_text(part) for part in parts)
    return tuple(dict.fromkeys(name for name in names if name))


def _split_pairs(text: str) -> tuple[dict[str, str], int]:
    """Return the percent-decoded pairs of ``name=value,name=value``, and how many parts are none."""
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    pairs = [(clean(unquote(name)), clean(unquote(value))) for name, equals, value in parts if equals]
    good = [(name, value) for name, value in pairs if name]
    return dict(good), len(parts) - len(good)


def _whole(pairs: dict[str, str], wrong: int, what: str) -> dict[str, str]:
    if wrong:
        raise PartialParseError(f"{wrong} of its parts: {what}", pairs)
    return pairs


def _pairs_text(text: str) -> dict[str, str]:
    pairs, wrong = _split_pairs(text)
    return _whole(pairs, wrong, "no name or no '='")


def _pairs(value: object) -> dict[str, str]:
    if isinstance(value, str):
        return _pairs_text(value)
    if not isinstance(value, Mapping):
        raise ValueError
    pairs = {_text(name): _scalar(item) for name, item in cast("Mapping[object, object]", value).items()}
    return _whole(pairs, sum(not name for name in pairs), "no name")


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else _text(value)


def _headers(pairs: Mapping[str, str], wrong: int) -> dict[str, str]:
    """Return the pairs that HTTP can carry, names in lower case (gRPC takes no other)."""
    good = [pair for pair in pairs.items() if _TOKEN.fullmatch(pair[0]) and _HEADER_VALUE.fullmatch(pair[1])]
    wrong += len(pairs) - len(good)
    what = "no header name, no '=', or a value that is not printable ASCII"
    return _whole({name.lower(): value for name, value in good}, wrong, what)


_LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_LEVEL_WORDS = {"WARN": "WARNING", "FATAL": "CRITICAL", "NOTSET": "TRACE"}
_LEVEL_NUMBERS = {5: "TRACE", 10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}


def _level(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return _LEVEL_NUMBERS.get(value) or _level("")
    word = _text(value).upper()
    word = _LEVEL_WORDS.get(word, word)
    if word not in _LEVELS:
        raise ValueError
    return word


def _none_or(kind: Kind[int]) -> Kind[int | None]:
    def accept(value: object) -> int | None:
        return None if value is None else kind.accept(value)

    return Kind("limit", f"{kind.allowed}, or None for no limit", kind.parse, accept)


NO_PAIRS: Mapping[str, str] = {}
"""Default of settings that hold pairs; copied into each configuration."""

TEXT = text_type("text", "text")
SECRET = text_type("text", "text", secret=True)
FLAG = Kind("true or false", "true or false", _flag_text, _flag)
COUNT = int_type("count", 1)
LIMIT = _none_or(int_type("limit", 0))
PORT = int_type("port", 0, 65_535)
RATIO = float_type("ratio", 0.0, 1.0)
SECONDS = float_type("seconds", 0.0, LONGEST_SECONDS)
INTERVAL = float_type("seconds", 0.001, LONGEST_SECONDS)
TIMEOUT = float_type("seconds", 0.0, LONGEST_SECONDS, zero_means_unlimited=True)
MILLISECOND_INTERVAL = float_type("milliseconds", 0.001, LONGEST_SECONDS, scale=0.001)
MILLISECOND_TIMEOUT = float_type("milliseconds", 0.0, LONGEST_SECONDS, scale=0.001, zero_means_unlimited=True)
NAMES = Kind("names", "a name, a comma-separated list or a sequence of names", split_names, split_names)
PAIRS = Kind("pairs", "a mapping of names to texts, or text like 'name=value,name=value'", _pairs_text, _pairs)
HEADERS = Kind(
    "pairs",
    "a mapping of header names to texts, or text like 'name=value,name=value'",
    lambda text: _headers(*_split_pairs(text)),
    lambda value: _headers(_pairs(value), 0),
    secret=True,
)
LEVEL = Kind("level", f"one of {', '.join(_LEVELS)}", _level, _level)
HEADER_NAME = text_type("header name", "an HTTP header name", _TOKEN.pattern)
