"""Open spans → ended ones, with the outcome ``aborted`` or ``abandoned``: at a signal, at the exit, at a shutdown."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, cast

from opentelemetry.trace import Status, StatusCode

from flext_observability.engine.span import EngineSpan
from flext_observability.runtime.bounded_call import BoundedCall
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.named_tuple import NamedTuple
from flext_observability.values.names import OUTCOME_ATTRIBUTE

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Span

ERROR_TYPE: Final = "error.type"
"""https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/"""
MAX_NAMES: Final = 5
MAX_NAME_LENGTH: Final = 80
_SHARE: Final = 0.5
"""Share of the time that processors of the program get; the rest is for the export."""


class Ending(NamedTuple):
    """Why this library ends spans.

    Attributes:
        outcome: ``aborted`` by a signal, or ``abandoned``: the program ended without their end.
        cause: Name of the signal; empty for none.
    """

    outcome: Literal["aborted", "abandoned"]
    cause: str = ""


def end_spans(spans: Sequence[Span], ending: Ending, deadline: float) -> Counter[str]:
    """End spans, the latest first. Processors of the program that hang are left behind.

    Returns:
        The names of the spans.
    """
    ended = Counter[str]()
    now = time.monotonic()
    call = BoundedCall("ending open spans", partial(_end_all, spans, ending, ended))
    call.wait(now + (deadline - now) * _SHARE)
    return Counter(ended)


def describe_names(names: Counter[str]) -> str:
    """Return the most frequent names with their numbers: ``3 GET, 1 work and 2 more``."""
    shown = [f"{count} {name[:MAX_NAME_LENGTH]}" for name, count in names.most_common(MAX_NAMES)]
    left = names.total() - sum(count for _, count in names.most_common(MAX_NAMES))
    return ", ".join(shown) + (f" and {left} more" if left else "")


def _end_all(spans: Sequence[Span], ending: Ending, ended: Counter[str]) -> None:
    for span in reversed(spans):
        try:
            if not span.is_recording():  # the program has ended it meanwhile
                continue
            _end(span, ending)
            ended[str(span.name)] += 1
        except BaseException as error:  # noqa: BLE001 - processors of the program
            reraise_interrupt(error)
            report_once("Ending an open span", error)


def _end(span: Span, ending: Ending) -> None:
    any_span = cast("object", span)
    if isinstance(any_span, EngineSpan):
        any_span.is_cut_short = True
    span.set_attribute(OUTCOME_ATTRIBUTE, ending.outcome)
    if ending.outcome == "aborted":
        if ERROR_TYPE not in (span.attributes or {}):
            span.set_attribute(ERROR_TYPE, ending.cause)
        span.set_status(Status(StatusCode.ERROR, f"{ending.cause} ended the process"))
    span.end()
