"""One row of the table of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from monitoring.validation.faults import Fault, NotCheckedError, Outcome
from monitoring.validation.tree import UnreadableError


@dataclass(frozen=True, slots=True)
class Check:
    """A check with its title. Checks are independent of each other and may run at the same time."""

    title: str
    find: Callable[[], Iterable[Fault]]
    """Returns the faults. May raise `NotCheckedError` and `UnreadableError`."""

    def run(self) -> Outcome:
        """Return the verdict. A file that cannot be read is a fault of the check that needs it."""
        try:
            return Outcome(self.title, sorted(set(self.find())))
        except UnreadableError as error:
            return Outcome(self.title, [error.fault])
        except NotCheckedError as error:
            return Outcome(self.title, not_checked=str(error))
        except OSError as error:
            reason = f"{error.strerror or error} ({error.filename or 'scratch folder'}), correct it and run this again"
            return Outcome(self.title, not_checked=reason)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # A file of a shape that this check does not expect must not stop the other checks.
            reason = f"internal error, {type(error).__name__}: {error}. Report it with the changed file"
            return Outcome(self.title, not_checked=reason)
