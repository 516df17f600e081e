"""HTTP reply that is no success, or transport fault, and the next action → ExportOutcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from flext_observability.extensions.ports import ExportOutcome
from flext_observability.wire.http.retry_after import retry_after_seconds

if TYPE_CHECKING:
    from flext_observability.wire.http.client import HttpReply
    from flext_observability.wire.http.errors import TransportError


@final
@dataclass(frozen=True, slots=True)
class StatusOutcome:
    """What a status means, and what to do about it; ``ExportOutcome`` describes the fields."""

    reason: str
    fix: str
    retry: bool = False

    def outcome(self, reply: HttpReply, place: str, said: str) -> ExportOutcome:
        """Return the outcome of a request that was refused.

        Args:
            reply: What came back.
            place: The address, for the message.
            said: What the reply says, in a line; may be empty.
        """
        return ExportOutcome(
            retry=self.retry,
            retry_after_seconds=retry_after_seconds(reply.headers.get("retry-after", "")) if self.retry else None,
            reason=self.reason,
            message=f"{place} answered {reply.status}" + (f": {said}" if said else ""),
            fix=self.fix,
        )


def unreached(error: TransportError, fix: str) -> ExportOutcome:
    """Return the outcome of a request without a reply: always worth another try."""
    return ExportOutcome(
        retry=True,
        answered=error.answered,
        reason="timeout" if error.kind == "timeout" else "unreachable",
        message=error.message,
        fix=fix,
    )
