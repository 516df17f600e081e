"""UCUM unit of an instrument → unit of a Grafana panel, for the value and for its rate per second.

Source: https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts
"""

from __future__ import annotations

from typing import Final

PLAIN_UNIT: Final = "short"
"""Numbers without a unit, shortened: 1.5 K."""

_UNITS: Final = {
    "1": "percentunit",
    "%": "percent",
    "ns": "ns",
    "us": "µs",
    "ms": "ms",
    "s": "s",
    "min": "m",
    "h": "h",
    "d": "d",
    "By": "bytes",
    "KiBy": "kbytes",
    "MiBy": "mbytes",
    "GiBy": "gbytes",
    "TiBy": "tbytes",
    "kBy": "deckbytes",
    "MBy": "decmbytes",
    "GBy": "decgbytes",
    "TBy": "dectbytes",
    "bit": "bits",
    "Hz": "hertz",
    "Cel": "celsius",
    "K": "kelvin",
    "V": "volt",
    "A": "amp",
    "W": "watt",
    "kW": "kwatt",
    "J": "joule",
    "m": "lengthm",
    "mm": "lengthmm",
    "km": "lengthkm",
    "g": "massg",
    "kg": "masskg",
    "By/s": "binBps",
    "kBy/s": "KBs",
    "KiBy/s": "KiBs",
    "MBy/s": "MBs",
    "MiBy/s": "MiBs",
    "GBy/s": "GBs",
    "GiBy/s": "GiBs",
    "bit/s": "bps",
    "kbit/s": "Kbits",
    "Mbit/s": "Mbits",
    "Gbit/s": "Gbits",
    "m/s": "velocityms",
}
_REQUESTS: Final = frozenset({"request", "requests", "req"})
_OPERATIONS: Final = frozenset({"operation", "operations", "op", "ops", "call", "calls"})


def grafana_unit(unit: str) -> str:
    """Return the panel unit of values: ``By`` → ``bytes``, ``{order}`` and unknown ones → ``short``.

    Args:
        unit: UCUM code of an instrument; may be empty. ``1`` is a ratio, as in OpenTelemetry's conventions.
    """
    if unit in _UNITS:
        return _UNITS[unit]
    count, slash, per = unit.partition("/")
    if slash and per == "s" and _is_count(count):
        return _count_rate(count)
    return PLAIN_UNIT


def grafana_rate_unit(unit: str) -> str:
    """Return the panel unit of an increase per second: ``By`` → ``binBps``, ``{request}`` → ``reqps``.

    Args:
        unit: UCUM code of a counter, or of what a histogram measures; may be empty.
    """
    if _is_count(unit) or unit == "1":
        return _count_rate(unit)
    return _UNITS.get(f"{unit}/s", PLAIN_UNIT)


def axis_label(unit: str, *, rate: bool = False) -> str:
    """Return the label of an axis whose panel unit does not name the unit: ``{order}`` → ``order``, ``order/s``.

    Args:
        unit: UCUM code of an instrument; may be empty.
        rate: Whether the axis has increases per second.
    """
    shown = grafana_rate_unit(unit) if rate else grafana_unit(unit)
    if not unit or unit == "1" or shown not in {PLAIN_UNIT, "cps"}:
        return ""
    label = unit.replace("{", "").replace("}", "")
    return f"{label}/s" if rate else label


def _is_count(unit: str) -> bool:
    return not unit or (unit[0] == "{" and unit[-1] == "}")


def _count_rate(unit: str) -> str:
    word = unit.strip("{}").lower()
    return "reqps" if word in _REQUESTS else "ops" if word in _OPERATIONS else "cps"
