"""OpenTelemetry names, units, attribute values and numbers → names and texts of Prometheus.

Names are those of Prometheus's OTLP receiver with its default translation, ``UnderscoreEscapingWithSuffixes``: a scrape
and a push give the same series.
Source: https://prometheus.io/docs/guides/opentelemetry/#utf-8
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from decimal import Decimal
from functools import lru_cache
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

_UNITS = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "1": "",
    "%": "percent",
}
_PER_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}
_NOT_NAME = re.compile(r"[^a-zA-Z0-9:]+")
_NOT_LABEL = re.compile(r"[^a-zA-Z0-9_]")


@lru_cache(maxsize=4096)
def metric_name(name: str, unit: str, kind: Kind, *, ratio: bool = False) -> str:
    """Return the Prometheus name; empty without a valid character.

    Args:
        name: Instrument name.
        unit: UCUM unit.
        kind: Type in Prometheus: a monotonic sum is a counter, any other sum a gauge.
        ratio: Whether a name with unit ``1`` gets the suffix ``_ratio``: that of a gauge does, that of a sum does not.
    """
    words = [word for word in _NOT_NAME.split(name) if word]
    words += [suffix for suffix in _unit_words(unit) if suffix and suffix not in words]
    if kind == "counter":
        words = [word for word in words if word != "total"] + ["total"]
    if ratio and unit == "1":
        words = [word for word in words if word != "ratio"] + ["ratio"]
    joined = "_".join(words)
    return f"_{joined}" if joined[:1].isdigit() else joined


@lru_cache(maxsize=4096)
def unit_suffix(unit: str, *, ratio: bool = False) -> str:
    """Return the end that a name gets for this unit, without an underscore before it; empty for none."""
    if unit == "1":
        return "ratio" if ratio else ""
    return "_".join(filter(None, _unit_words(unit)))


@lru_cache(maxsize=4096)
def label_name(key: str) -> str:
    """Return the label name of an attribute key; empty if there is none."""
    label = _NOT_LABEL.sub("_", key)
    if key == "__name__" or not label:
        return ""
    if label[0].isdigit():
        return f"key_{label}"
    # Pages reserve two leading underscores; the receiver keeps them.
    return f"key{label}" if label[0] == "_" else label


def label_value(value: object) -> str:
    """Return an attribute value as text, sequences and mappings as JSON."""
    match value:
        case str():
            text = value
        case bool():
            text = "true" if value else "false"
        case int():
            text = str(value)
        case float():
            text = _json_float(value)
        case bytes():
            text = b64encode(value).decode()
        case None:
            text = ""
        case _:
            text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True, default=str)
    return text


def sample_value(value: float) -> str:
    """Return a sample's value as the Python client writes it: ``150.0``, ``1.5e+06``, ``+Inf``.

    An integer beyond any float is infinite.

    Source: https://github.com/prometheus/client_python/blob/master/prometheus_client/utils.py
    """
    if -1_000_000 < value < 1_000_000:
        return f"{value}.0" if type(value) is int else repr(float(value))
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"
    digits = repr(number)
    if number < 0 or "e" in digits:
        return digits
    whole, _, fraction = digits.partition(".")
    mantissa = f"{whole[0]}.{whole[1:]}{fraction}".rstrip("0.")
    return f"{mantissa}e+{len(whole) - 1:02d}"


@lru_cache(maxsize=4096)
def bound_value(bound: float) -> str:
    """Return an upper bound of a bucket: ``5``, ``0.005``, ``+Inf``. Very large and small ones have an exponent."""
    if bound == math.inf:
        return "+Inf"
    if bound and not 1e-6 <= abs(bound) < 1e21:
        return repr(bound)
    return str(int(bound)) if bound == int(bound) else format(Decimal(repr(bound)), "f")


def _unit_words(unit: str) -> tuple[str, str]:
    main, _, per = (part.strip() for part in unit.partition("/"))
    main_word = "" if "{" in main or "}" in main else _UNITS.get(main, main)
    per_word = "" if "{" in per or "}" in per else _PER_UNITS.get(per, per)
    per_text = _collapse(f"per_{per_word}").rstrip("_") if per_word else ""
    return _collapse(main_word).rstrip("_" if per_word else ""), per_text


def _collapse(word: str) -> str:
    return re.sub(r"_+", "_", _NOT_NAME.sub("_", word)).removeprefix("_")


def _json_float(value: float) -> str:
    """Return a float as the JSON encoder of Go writes it, for Prometheus."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if not value and math.copysign(1, value) < 0:
        return "-0"
    mantissa, e, exponent = bound_value(value).partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].lstrip('0')}" if e else mantissa
