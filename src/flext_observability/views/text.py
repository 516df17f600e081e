"""Untrusted text and values, times, quantities → short printable text without control characters."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import cast

# C0 and C1 controls, direction marks, zero-width and line separators, byte order mark, tag characters, lone surrogates.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_NEEDS_QUOTES = re.compile(r'[\s"=,]|^$')
_LATEST_NS = 253_370_000_000 * 10**9  # in the year 9998: the limit of datetime
_MAX_DEPTH = 3
_MAX_ITEMS = 10
_MAX_BITS = 128


def sanitize(text: str, limit: int = 200) -> str:
    """Return at most ``limit`` characters of the text, control characters as visible escapes."""
    cut = _UNPRINTABLE.sub(_escape, text[: limit + 1])
    return cut if len(cut) <= limit else cut[: limit - 1] + "…"


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def first_line(text: str, limit: int = 200) -> str:
    """Return the first non-blank line, sanitized, and the number of lines after it."""
    lines = text[: 100 * limit].strip().splitlines() or [""]
    more = f" (+{len(lines) - 1} lines)" if len(lines) > 1 else ""
    return sanitize(lines[0], limit) + more


def format_value(value: object, limit: int = 60, depth: int = 0) -> str:
    """Return a value as short text: a single word without quotes, containers like JSON, to a depth of three levels."""
    if isinstance(value, str):
        word = sanitize(value, limit)
        return f'"{word}"' if depth or _NEEDS_QUOTES.search(word) else word
    if isinstance(value, Mapping | Sequence) and not isinstance(value, bytes):
        container = cast("Mapping[object, object] | Sequence[object]", value)
        return sanitize(_format_container(container, limit, depth), limit)
    return sanitize(_format_scalar(value, limit), limit)


def _format_scalar(value: object, limit: int) -> str:
    match value:
        case None | bool():
            return "null" if value is None else str(value).lower()
        case int():
            return format_integer(value)
        case float():
            return f"{value:.6g}"
        case bytes():
            return "0x" + value[:limit].hex()
        case _:
            return type(value).__name__


def format_integer(value: int) -> str:
    """Return the digits of an integer, or its size above 128 bits: Python limits the conversion of large integers."""
    return str(value) if value.bit_length() <= _MAX_BITS else f"<integer of {value.bit_length()} bits>"


def _format_container(value: Mapping[object, object] | Sequence[object], limit: int, depth: int) -> str:
    if depth >= _MAX_DEPTH:
        return "…"
    more = ", …" if len(value) > _MAX_ITEMS else ""
    if isinstance(value, Mapping):
        pairs = (
            f"{sanitize(str(key), limit)}: {format_value(item, limit, depth + 1)}"
            for key, item in islice(value.items(), _MAX_ITEMS)
        )
        return "{" + ", ".join(pairs) + more + "}"
    return "[" + ", ".join(format_value(item, limit, depth + 1) for item in islice(value, _MAX_ITEMS)) + more + "]"


def format_duration(nanoseconds: float) -> str:
    """Return a duration with three significant digits: ``950 ns``, ``1.42 ms``, ``2 m 03 s``, ``5 h 20 m``."""
    if nanoseconds < 0:
        return "-" + format_duration(-nanoseconds)
    for size, unit in ((1e3, "ns"), (1e6, "µs"), (1e9, "ms"), (6e10, "s")):
        if nanoseconds < size * 0.9995:
            return f"{_three_digits(nanoseconds / (size / 1e3 if unit != 's' else 1e9))} {unit}"
    if nanoseconds >= 1e18:
        return f"{nanoseconds / 1e9:.3g} s"
    minutes, seconds = divmod(round(nanoseconds / 1e9), 60)
    return f"{minutes} m {seconds:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} m"


def _three_digits(value: float) -> str:
    """Return at least three significant digits, without trailing zeros of a fraction."""
    digits = f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def format_quantity(value: float, unit: str = "") -> str:
    """Return a measurement: times and bytes in a suitable unit, others as a number with thousands separators."""
    nanoseconds = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}.get(unit)
    if not isinstance(value, int) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return format_integer(value)
    if nanoseconds is not None:
        return format_duration(value * nanoseconds)
    if unit == "By":
        return _format_bytes(value)
    return _format_number(value)


def _format_bytes(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.4g} TB"


def _format_number(value: float) -> str:
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:,.2f}" if 1000 <= abs(value) < 1e12 else f"{value:.4g}"


def format_time(time_ns: int) -> str:
    """Return the local time with milliseconds, ``21:19:16.120``."""
    bounded = min(max(time_ns, 0), _LATEST_NS)
    moment = datetime.fromtimestamp(bounded // 10**9).astimezone()
    return f"{moment:%H:%M:%S}.{bounded // 10**6 % 1000:03d}"


def format_count(count: int, noun: str) -> str:
    """Return ``1 span``, ``2 spans``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
