"""Checked attributes → a new span of the SDK, without its own check, which takes a sixth of the cost of a span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from opentelemetry.sdk.trace import TracerProvider

from flext_observability.values.encoding import MAX_BYTES

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanLimits

_OWN_ATTRIBUTES: Final = 2  # correlation id and service name, which our span processor sets at the start


@final
class AttributeFilling:
    """Says whether spans of a provider may start without their attributes, and get them a moment later.

    Its sampler must ignore attributes, and its only span processor must be ours.

    Args:
        limits: Limits of its spans, which may change.
    """

    __slots__ = ("_is_stopped", "_limits")

    def __init__(self, limits: SpanLimits) -> None:
        self._limits = limits
        self._is_stopped = False

    def accepts(self, count: int) -> bool:
        """Return whether a span may start without this number of attributes: no limit applies to them."""
        most, length = self._limits.max_span_attributes, self._limits.max_span_attribute_length
        is_short = most is None or count + _OWN_ATTRIBUTES <= most
        return is_short and (length is None or length >= MAX_BYTES) and not self._is_stopped

    def stop(self) -> None:
        """Start all spans with their attributes from now on: a processor was added."""
        self._is_stopped = True


@final
class FilledProvider(TracerProvider):
    """Provider of the SDK.

    Attributes:
        filling: How its spans get checked attributes; None if they start with them.
    """

    filling: AttributeFilling | None = None
