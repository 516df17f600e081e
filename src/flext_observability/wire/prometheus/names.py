"""OpenTelemetry names, units and attribute values → the names and texts that Prometheus's own OTLP receiver gives them.

The receiver's default translation is meant (``UnderscoreEscapingWithSuffixes``), so that a scrape and a push give the same series.
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
_MAX_INTEGER_DIGITS = 6  # of a sample's value without exponent, as in Go
_NOT_NAME = re.compile(r"[^a-zA-Z0-9:]+")
_NOT_LABEL = re.compile(r"[^a-zA-Z0-9_]")


@lru_cache(maxsize=4096)
def metric_name(name: str, unit: str, kind: Kind, *, ratio: bool = False) -> str:
    """Return the Prometheus name; empty when nothing of it is left.

    Args:
        name: Instrument name.
        unit: UCUM unit.
        kind: What Prometheus calls it: a monotonic sum is a counter, any other sum a gauge.
        ratio: Whether a gauge of unit ``1`` ends in ``_ratio`` (true gauges do, sums that may fall do not).
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
def label_name(key: str) -> str:
    """Return the label for an attribute key; empty when there can be none."""
    label = _NOT_LABEL.sub("_", key)
    if key == "__name__" or not label:
        return ""
    if label[0].isdigit():
        return f"key_{label}"
    # Two underscores at the start are reserved in a page; the receiver alone keeps them.
    return f"key{label}" if label[0] == "_" else label


def label_value(value: object) -> str:
    """Return an attribute value as text; sequences and mappings become JSON."""
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
    if isinstance(value, int) and -1_000_000 < value < 1_000_000:
        return f"{value:d}.0"
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"
    digits = repr(number)
    point = digits.find(".")
    if number <= 0 or point <= _MAX_INTEGER_DIGITS:
        return digits
    mantissa = f"{digits[0]}.{digits[1:point]}{digits[point + 1 :]}".rstrip("0.")
    return f"{mantissa}e+{point - 1:02d}"


@lru_cache(maxsize=4096)
def bound_value(bound: float) -> str:
    """Return a bucket's upper bound: ``5``, ``0.005``, ``+Inf``; with an exponent only where it would be long."""
    if bound == math.inf:
        return "+Inf"
    if bound and not 1e-6 <= abs(bound) < 1e21:
        return repr(bound)
    return str(int(bound)) if bound == int(bound) else format(Decimal(repr(bound)), "f")


def _unit_words(unit: str) -> tuple[str, str]:
    main, _, per = (part.strip() for part in unit.partition("/"))
    main_word = "" if "{" in main or "}" in main else _UNITS.get(main, main)
    per_word = "" if "{" in per or "}" in per else _PER_UNITS.get(per, per)
    return _clean(main_word).rstrip("_" if per_word else ""), _clean(f"per_{per_word}").rstrip("_") if per_word else ""


def _clean(word: str) -> str:
    return re.sub(r"_+", "_", _NOT_NAME.sub("_", word)).removeprefix("_")


def _json_float(value: float) -> str:
    """Spell a float as JSON encoders of Go do, which Prometheus uses."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if not value and math.copysign(1, value) < 0:
        return "-0"
    mantissa, letter, exponent = bound_value(value).partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].lstrip('0')}" if letter else mantissa
