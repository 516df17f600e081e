"""Name, value, unit, tags and type → FlextMetric, one measurement."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from pydantic import AwareDatetime, Field

from flext_observability.domain.entity import Entity, Number, Tags, is_finite, now
from flext_observability.values.encoding import preview
from flext_observability.values.units import MAX_UNIT_LENGTH

METRIC_TYPES: Final = ("gauge", "counter", "up_down_counter", "histogram")
_NEVER_NEGATIVE: Final = ("counter", "histogram")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,254}", re.ASCII)


class FlextMetric(Entity):
    """One measurement.

    Rules: the name is an OpenTelemetry instrument name, the value is finite (counters and histograms: not negative), the type is one of
    ``METRIC_TYPES``, the unit has at most 63 ASCII characters.
    Source: https://opentelemetry.io/docs/specs/otel/metrics/api/#instrument-name-syntax

    Attributes:
        name: Instrument name: a letter, then letters, digits, ``_ . - /``; at most 255 characters.
        value: Int, float or Decimal, kept as given.
        unit: Word or UCUM (``milliseconds``, ``ms``, ``count``); empty for none.
        tags: Names to scalars; every scalar is kept as text.
        metric_type: ``gauge``, ``counter``, ``up_down_counter`` or ``histogram``.
        timestamp: When it was measured, timezone-aware.
    """

    kind: ClassVar[str] = "metric"

    name: str
    value: Number
    unit: str = ""
    tags: Tags = Field(default_factory=dict)
    metric_type: str = "gauge"
    timestamp: AwareDatetime = Field(default_factory=now)

    def _broken_rule(self) -> str:
        if _NAME.fullmatch(self.name) is None:
            return (
                f"Invalid metric name: {preview(self.name)} is no instrument name; use a letter, then letters, digits, "
                "'_', '.', '-' or '/', 255 characters at most"
            )
        if not is_finite(self.value):
            return f"Invalid metric value: {preview(self.value)} is not finite; use a finite number"
        if self.metric_type not in METRIC_TYPES:
            return f"Invalid metric type: {preview(self.metric_type)}; use one of {', '.join(METRIC_TYPES)}"
        if self.value < 0 and self.metric_type in _NEVER_NEGATIVE:
            return (
                f"Invalid metric value: {preview(self.value)} is negative, which a {self.metric_type} does not take; "
                "use up_down_counter or gauge"
            )
        if len(self.unit) > MAX_UNIT_LENGTH or not self.unit.isascii():
            return f"Invalid metric unit: {preview(self.unit)}; use {MAX_UNIT_LENGTH} ASCII characters at most"
        return ""
