"""FlextMetric: one measurement."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from pydantic import AwareDatetime, Field

from flext_observability.domain.entity import Entity, Number, Tags, is_finite
from flext_observability.domain.rules import Violation, invalid_choice
from flext_observability.values.encoding import preview
from flext_observability.values.timestamps import now
from flext_observability.values.units import MAX_UNIT_LENGTH

METRIC_TYPES: Final = ("gauge", "counter", "up_down_counter", "histogram")
NON_NEGATIVE_TYPES: Final = ("counter", "histogram")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,254}", re.ASCII)


class FlextMetric(Entity):
    """One measurement.

    Rules: the name is an OpenTelemetry instrument name. The value is finite, and not negative for counters and
    histograms. The type is one of ``METRIC_TYPES``. The unit has at most 63 ASCII characters.

    Source: https://opentelemetry.io/docs/specs/otel/metrics/api/#instrument-name-syntax

    Attributes:
        name: Instrument name: A-Z or a-z, then also 0-9 and ``_ . - /``, at most 255 characters.
        value: Int, float or Decimal, kept as given.
        unit: Word or UCUM code (``milliseconds``, ``ms``, ``count``); empty for none.
        tags: Names and scalars. Scalars are stored as text.
        metric_type: ``gauge``, ``counter``, ``up_down_counter`` or ``histogram``.
        timestamp: Time of the measurement, timezone-aware.
    """

    kind: ClassVar[str] = "metric"

    name: str
    value: Number
    unit: str = ""
    tags: Tags = Field(default_factory=dict)
    metric_type: str = "gauge"
    timestamp: AwareDatetime = Field(default_factory=now)

    def _find_violation(self) -> Violation | None:
        if _NAME.fullmatch(self.name) is None:
            return Violation(
                "metric name",
                f"{preview(self.name)} is not an instrument name",
                "Use A-Z or a-z first, then also 0-9, '_', '.', '-' and '/', at most 255 characters",
            )
        if not is_finite(self.value):
            return Violation("metric value", f"{preview(self.value)} is not finite", "Use a finite number")
        if self.metric_type not in METRIC_TYPES:
            return invalid_choice("metric type", self.metric_type, METRIC_TYPES)
        if self.value < 0 and self.metric_type in NON_NEGATIVE_TYPES:
            return Violation(
                "metric value",
                f"{preview(self.value)} is negative, and a {self.metric_type} is not",
                "Use the type up_down_counter or gauge",
            )
        if len(self.unit) > MAX_UNIT_LENGTH or not self.unit.isascii():
            fix = f"Use at most {MAX_UNIT_LENGTH} ASCII characters"
            return Violation("metric unit", preview(self.unit), fix)
        return None
