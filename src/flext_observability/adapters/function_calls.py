"""Names and instruments of what is measured about monitored functions."""

from __future__ import annotations

from typing import Final

from flext_observability.adapters.metric import Write, instrument

DURATION_NAME: Final = "flext.function.duration"
CALLS_NAME: Final = "flext.function.calls"
CALLS_UNIT: Final = "{call}"
CALLS_DESCRIPTION: Final = "Calls of monitored functions"


def instruments() -> tuple[Write, Write]:
    """Return the calls that record a duration, in seconds, and that count a call.

    Raises:
        InstrumentConflict: One of the names is in use for another kind or unit.
    """
    return (
        instrument(DURATION_NAME, "histogram", "s", description="Duration of monitored functions"),
        instrument(CALLS_NAME, "counter", CALLS_UNIT, description=CALLS_DESCRIPTION),
    )
