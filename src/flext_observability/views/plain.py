"""Values that a program gave to OpenTelemetry's API → plain types: the SDK keeps most of them unchecked."""

from __future__ import annotations

import math
from collections.abc import Mapping

from flext_observability.values.encoding import encode_tag
from flext_observability.values.foreign import is_a, is_mapping, plain_number, plain_text

_PLAIN_TYPES = (str, int, float, bool, bytes, list, tuple, dict, type(None))


def plain_time(value: object) -> int:
    """Return nanoseconds since the Unix epoch; 0 for anything else than a finite number."""
    number = plain_number(value)
    return int(number) if number is not None and math.isfinite(number) else 0


def plain_quantity(value: object) -> float:
    """Return a number; NaN for anything else."""
    number = plain_number(value)
    if number is not None:
        return number
    return int(value) if is_a(value, bool) else math.nan


def plain_name(value: object) -> str:
    """Return text; empty for None."""
    text = plain_text(value)
    return text if text is not None else "" if value is None else encode_tag(value)


def plain_attributes(attributes: Mapping[str, object] | None) -> Mapping[str, object]:
    """Return a copy with names and values of plain types; others become text."""
    return {plain_name(name): plain_value(value) for name, value in dict(attributes or {}).items()}


def plain_value(value: object) -> object:
    """Return a value of a plain type; others become text."""
    if type(value) in _PLAIN_TYPES:
        return value
    number = plain_number(value)
    if number is not None:
        return number
    if is_mapping(value):
        return dict(value)
    return plain_name(value)
