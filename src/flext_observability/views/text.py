"""Values and text from outside → short printable text without control characters; times and quantities → what a person reads."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import cast

# C0 and C1 controls, direction marks, zero-width and line separators, byte order mark, tag characters, lone surrogates.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_NEEDS_QUOTES = re.compile(r'[\s"=,]|^$')
_LATEST_NS = 253_370_000_000 * 10**9  # in the year 9998: later instants are shown as this one
_MAX_DEPTH = 3
_MAX_ITEMS = 10
_MAX_BITS = 128


def clean(text: str, limit: int = 200) -> str:
    """Return at most ``limit`` characters of the text, each control character as a visible escape."""
    cut = _UNPRINTABLE.sub(_escape, text[: limit + 1])
    return cut if len(cut) <= limit else cut[: limit - 1] + "…"


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def first_line(text: str, limit: int = 200) -> str:
    """Return the first line that is not blank, cleaned, and how many lines follow it."""
    lines = text[: 100 * limit].strip().splitlines() or [""]
    more = f" (+{len(lines) - 1} lines)" if len(lines) > 1 else ""
    return clean(lines[0], limit) + more


def format_value(value: object, limit: int = 60, depth: int = 0) -> str:
    """Return a value as short text: a string bare when it is one word, containers like JSON, at most three levels deep."""
    if isinstance(value, str):
        shown = clean(value, limit)
        return f'"{shown}"' if depth or _NEEDS_QUOTES.search(shown) else shown
    if isinstance(value, Mapping | Sequence) and not isinstance(value, bytes):
        container = cast("Mapping[object, object] | Sequence[object]", value)
        return clean(_show_container(container, limit, depth), limit)
    return clean(_show_plain(value, limit), limit)


def _show_plain(value: object, limit: int) -> str:
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
    """Return an integer's digits; beyond 128 bits its size (Python may refuse to print it)."""
    return str(value) if value.bit_length() <= _MAX_BITS else f"<integer of {value.bit_length()} bits>"


def _show_container(value: Mapping[object, object] | Sequence[object], limit: int, depth: int) -> str:
    if depth >= _MAX_DEPTH:
        return "…"
    more = ", …" if len(value) > _MAX_ITEMS else ""
    if isinstance(value, Mapping):
        pairs = (
            f"{clean(str(key), limit)}: {format_value(item, limit, depth + 1)}"
            for key, item in islice(value.items(), _MAX_ITEMS)
        )
        return "{" + ", ".join(pairs) + more + "}"
    return "[" + ", ".join(format_value(item, limit, depth + 1) for item in islice(value, _MAX_ITEMS)) + more + "]"


def format_duration(nanoseconds: float) -> str:
    """Return a duration with three significant digits and the unit that fits: ``950 ns``, ``1.42 ms``, ``2 m 03 s``, ``5 h 20 m``."""
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
    """Return at least three significant digits, without a fraction of zeros."""
    shown = f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def format_quantity(value: float, unit: str = "") -> str:
    """Return a measured number: seconds and bytes in the unit that fits, other units as a plain number in groups of three digits."""
    nanoseconds = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}.get(unit)
    if not isinstance(value, int) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return format_integer(value)
    if nanoseconds is not None:
        return format_duration(value * nanoseconds)
    if unit == "By":
        return _show_bytes(value)
    return _show_number(value)


def _show_bytes(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.4g} TB"


def _show_number(value: float) -> str:
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:,.2f}" if 1000 <= abs(value) < 1e12 else f"{value:.4g}"


def format_time(time_ns: int) -> str:
    """Return local wall time with milliseconds, ``21:19:16.120``."""
    bounded = min(max(time_ns, 0), _LATEST_NS)
    moment = datetime.fromtimestamp(bounded // 10**9).astimezone()
    return f"{moment:%H:%M:%S}.{bounded // 10**6 % 1000:03d}"


def format_count(count: int, noun: str) -> str:
    """Return ``1 span``, ``2 spans``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
