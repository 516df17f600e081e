"""Names of metrics and labels → names that the scraper accepts, by its escaping scheme.

Source: https://github.com/prometheus/proposals/blob/main/proposals/0028-utf8.md#text-escaping
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, cast, get_args

Escaping = Literal["underscores", "allow-utf-8", "dots", "values"]
_SCHEMES: Final = frozenset(get_args(Escaping))
_CLASSIC_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_NOT_METRIC: Final = re.compile(r"^[0-9]|[^a-zA-Z0-9_:]")
_NOT_LABEL: Final = re.compile(r"^[0-9]|[^a-zA-Z0-9_]")


def parse_escaping(name: str) -> Escaping | None:
    """Return the scheme of this name; None if there is none."""
    return cast("Escaping", name) if name in _SCHEMES else None


@lru_cache(maxsize=4096)
def is_classic(name: str) -> bool:
    """Return whether a name of a metric needs no quotes."""
    return _CLASSIC_METRIC.fullmatch(name) is not None


@lru_cache(maxsize=4096)
def escape_metric(name: str, scheme: Escaping) -> str:
    """Return the name of a metric.

    Args:
        name: Any name.
        scheme: ``underscores`` replaces each invalid character, ``dots`` also distinguishes dots, ``values`` keeps all
            characters by number, ``allow-utf-8`` changes nothing.
    """
    return _escape(name, scheme, _NOT_METRIC)


@lru_cache(maxsize=4096)
def escape_label(name: str, scheme: Escaping) -> str:
    """Return the name of a label. A colon is not valid in it."""
    return _escape(name, scheme, _NOT_LABEL)


def _escape(name: str, scheme: Escaping, invalid: re.Pattern[str]) -> str:
    if not name or scheme == "allow-utf-8":
        return name
    if scheme == "dots":
        return invalid.sub(lambda found: "_dot_" if found[0] == "." else "__", name.replace("_", "__"))
    if not invalid.search(name):
        return name
    if scheme == "values":
        return "U__" + invalid.sub(_number, name.replace("_", "__"))
    return invalid.sub("_", name)


def _number(found: re.Match[str]) -> str:
    code = ord(found[0])
    return "_FFFD_" if 0xD800 <= code < 0xE000 else f"_{code:x}_"
