"""Message and code → the one exception of ours that a user can meet (raised by ``FlextResult.unwrap`` alone)."""

from __future__ import annotations


class FlextObservabilityError(Exception):
    """A failed result was unwrapped.

    Attributes:
        message: What is wrong and the next action, as the result stated it.
        code: The result's stable code, such as ``invalid_argument``.
    """

    def __init__(self, message: str, code: str = "error") -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def __reduce__(self) -> tuple[type[FlextObservabilityError], tuple[str, str]]:
        """Return what pickle needs to keep the code (process pools send exceptions home)."""
        return type(self), (self.message, self.code)
