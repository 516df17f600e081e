"""Broken rules of entities: what is wrong, why, and the next action (standard library only)."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Final, NamedTuple, TypeGuard

from flext_observability.domain.result import FlextResult, compose_message
from flext_observability.values.encoding import preview
from flext_observability.values.foreign import plain_number

MAX_NAME_LENGTH: Final = 1024
"""Maximum length of the name of an alert, health check, operation or service, in characters."""


class Violation(NamedTuple):
    """A broken rule, for the message ``Invalid <what>: <why>. <fix>``.

    Attributes:
        what: The invalid field, such as ``alert name``.
        why: Why it is invalid.
        fix: The next action.
    """

    what: str
    why: str
    fix: str


def to_result(violation: Violation | None, kind: str) -> FlextResult[None]:
    """Return success without a violation, otherwise the failure ``invalid_<kind>``."""
    if violation is None:
        return FlextResult.ok(None)
    message = f"Invalid {violation.what}: {violation.why}"
    return FlextResult[None].fail(message, code=f"invalid_{kind}", fix=violation.fix)


class InvalidField(ValueError):
    """Raised by a field's validator; pydantic reports it together with the field's name.

    Attributes:
        message: Why the value is invalid.
        fix: The next action.
    """

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(compose_message(message, fix))
        self.message = message
        self.fix = fix


def check_name(what: str, name: str, fix: str) -> Violation | None:
    """Return a violation for a name that is blank or longer than ``MAX_NAME_LENGTH``; None for a valid name.

    Args:
        what: The field, such as ``alert name``.
        name: The name.
        fix: The next action for a blank name.
    """
    if not name.strip():
        return Violation(what, "it is blank", fix)
    if len(name) > MAX_NAME_LENGTH:
        fix = f"Use at most {MAX_NAME_LENGTH}, and put the rest into the details"
        return Violation(what, f"it has {len(name)} characters", fix)
    return None


def invalid_choice(what: str, value: object, allowed: Iterable[str]) -> Violation:
    """Return the violation for a value that is not one of the allowed words."""
    return Violation(what, preview(value), f"Use one of {', '.join(allowed)}")


def is_number(value: object, *, minimum: float | None = None) -> TypeGuard[float]:
    """Return whether a value is a finite number, and not less than ``minimum``."""
    number = plain_number(value)
    try:
        return number is not None and isfinite(number) and (minimum is None or number >= minimum)
    except OverflowError:
        return False
