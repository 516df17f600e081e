"""Name, kind and unit → the record function of one instrument, for a bounded number of names (no OpenTelemetry)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, final

from flext_observability.domain.report import Notice
from flext_observability.domain.result import compose_message
from flext_observability.runtime.internal_log import warn_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.dataclass import dataclass
from flext_observability.values.encoding import encode_tag
from flext_observability.values.named_tuple import NamedTuple
from flext_observability.values.names import (
    ALERT_COUNTER_NAME,
    FUNCTION_CALLS_NAME,
    FUNCTION_DURATION_NAME,
    GAUGE_MODES,
)

if TYPE_CHECKING:
    from opentelemetry.context import Context

InstrumentKind = Literal["counter", "up_down_counter", "gauge", "histogram"]
RecordFn = Callable[[float, Any, "Context | None"], None]
"""``add``, ``set`` or ``record`` of an instrument."""
MAX_INSTRUMENTS: Final = 2000
"""Maximum number of instrument names of this library's functions in a process; a program may generate names."""
MAX_CONFLICTS: Final = 100
"""Maximum number of reported conflicts; a program may generate units."""
CONFLICT_FIX: Final = "Use one kind and unit for each name"
SURPLUS_FIX: Final = "Use few names, and put what varies into attributes"
_OWN_NAMES: Final = frozenset((ALERT_COUNTER_NAME, FUNCTION_CALLS_NAME, FUNCTION_DURATION_NAME))
_MAX_SPELLINGS: Final = 4 * MAX_INSTRUMENTS
_logger: Final = logging.getLogger("flext_observability")


class InstrumentIdentity(NamedTuple):
    """Name, kind and unit of an instrument.

    Attributes:
        name: Instrument name, as first given. Names are case-insensitive.
        kind: Kind of the instrument.
        unit: UCUM code.
    """

    name: str
    kind: InstrumentKind
    unit: str

    def __str__(self) -> str:
        """Return a description: ``counter "orders" in {order}``."""
        return f'{self.kind} "{encode_tag(self.name, max_bytes=100)}" in {self.unit or "no unit"}'


@final
@dataclass(slots=True, eq=False)
class Conflict:
    """Two kinds or units for one name.

    Attributes:
        first: The instrument in use.
        second: The rejected instrument.
        discarded: Number of measurements of the rejected instrument.
    """

    first: InstrumentIdentity
    second: InstrumentIdentity
    discarded: int = 0

    def __str__(self) -> str:
        """Return a description of both instruments."""
        return f"{self.second} conflicts with {self.first}"


class RefusedInstrument(Exception):
    """An instrument that is not created. Its measurements are discarded.

    Attributes:
        code: Reason, as in the counts of dropped measurements and in failures.
        fix: The next action.
        conflict: The two instruments of a conflict.
    """

    def __init__(self, message: str, code: str, fix: str, conflict: Conflict | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.fix = fix
        self.conflict = conflict

    def discard(self) -> None:
        """Count one measurement as dropped."""
        instrument_table().discard(self)


@final
class InstrumentTable:
    """Instruments by lower-case name (OTel's names are case-insensitive). Thread-safe."""

    __slots__ = (
        "_by_name",
        "_by_spelling",
        "_conflicts",
        "_discarded",
        "_first_surplus",
        "_gauge_modes",
        "_lock",
        "_names",
    )

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._by_name: dict[str, tuple[InstrumentIdentity, RecordFn]] = {}
        self._by_spelling: dict[tuple[str, str, str], RecordFn] = {}
        self._names: dict[RecordFn, str] = {}
        self._conflicts: dict[InstrumentIdentity, Conflict] = {}
        self._discarded: dict[str, int] = {}
        self._first_surplus = ""
        self._gauge_modes: dict[str, str] = {}

    def find(self, name: str, kind: str, unit: str) -> RecordFn | None:
        """Return the record function that was remembered for this spelling of name, kind and unit, all of them text."""
        return self._by_spelling.get((name, kind, unit))

    def remember(self, name: str, kind: str, unit: str, record_fn: RecordFn) -> None:
        """Remember the record function for a spelling of name, kind and unit, all of them text."""
        if len(self._by_spelling) < _MAX_SPELLINGS:
            self._by_spelling[name, kind, unit] = record_fn

    def get_or_create(self, identity: InstrumentIdentity, create: Callable[[], RecordFn]) -> RecordFn:
        """Return the record function of the instrument, which is created on first use.

        Raises:
            RefusedInstrument: The name is in use for another kind or unit, or there are too many names.
        """
        key = identity.name.lower()
        with self._lock:
            known = self._by_name.get(key)
            if known is None:
                if len(self._by_name) >= MAX_INSTRUMENTS and identity.name not in _OWN_NAMES:
                    raise self._surplus(identity)
                record_fn = create()
                self._by_name[key] = (identity, record_fn)
                self._names[record_fn] = identity.name
                return record_fn
            first, record_fn = known
            if (first.kind, first.unit) == (identity.kind, identity.unit):
                return record_fn
            conflict = self._conflicts.get(identity) or Conflict(first, identity)
            if len(self._conflicts) < MAX_CONFLICTS:
                self._conflicts[identity] = conflict
            raise RefusedInstrument(str(conflict), "instrument_conflict", CONFLICT_FIX, conflict)

    def set_gauge_mode(self, name: str, mode: str) -> None:
        """Set the mode of a gauge that exists, unless it has one.

        Args:
            name: Instrument name.
            mode: One of ``GAUGE_MODES``.

        Raises:
            ValueError: The mode is another text, or not the one that the gauge has.
        """
        if mode not in GAUGE_MODES:
            raise ValueError(f"the mode is none of {', '.join(GAUGE_MODES)}")
        key = name.lower()
        with self._lock:
            first = self._gauge_modes.setdefault(key, mode) if key in self._by_name else mode
        if first != mode:
            raise ValueError(f"the gauge has the mode {first}, which is used")

    def gauge_mode(self, name: str) -> str:
        """Return the mode of a gauge by its name; empty for none."""
        return self._gauge_modes.get(name.lower(), "")

    def name_of(self, record_fn: RecordFn) -> str:
        """Return the name of the instrument with this record function; empty for a function that discards."""
        return self._names.get(record_fn, "")

    def discard(self, refused: RefusedInstrument) -> None:
        """Count one measurement of a refused instrument as dropped."""
        with self._lock:
            self._discarded[refused.code] = self._discarded.get(refused.code, 0) + 1
            if refused.conflict is not None:
                refused.conflict.discarded += 1

    def discarded(self) -> dict[str, int]:
        """Return the number of measurements dropped because their instrument was refused, by reason."""
        with self._lock:
            return self._discarded.copy()

    def conflicts(self) -> tuple[Conflict, ...]:
        """Return the first ``MAX_CONFLICTS`` conflicts, in order."""
        with self._lock:
            return tuple(self._conflicts.values())

    def notices(self) -> tuple[Notice, ...]:
        """Return a notice for each conflict, and one about surplus names, with the number of dropped measurements."""
        notices = [
            Notice("metrics", f"{conflict} (measurements dropped: {conflict.discarded})", CONFLICT_FIX)
            for conflict in self.conflicts()
        ]
        if self._first_surplus:
            dropped = self.discarded().get("instrument_limit", 0)
            message = f"{self._surplus_message()} (measurements dropped: {dropped})"
            notices.append(Notice("metrics", message, SURPLUS_FIX))
        return tuple(notices)

    def _surplus(self, identity: InstrumentIdentity) -> RefusedInstrument:
        if not self._first_surplus:
            self._first_surplus = str(identity)
            warn_once(_logger, compose_message(self._surplus_message(), SURPLUS_FIX), key=InstrumentTable)
        message = f"{identity} is not one of the {MAX_INSTRUMENTS} instruments that exist, the maximum"
        return RefusedInstrument(message, "instrument_limit", SURPLUS_FIX)

    def _surplus_message(self) -> str:
        return (
            f"{MAX_INSTRUMENTS} instruments exist, the maximum: measurements of {self._first_surplus} and of further "
            "names are dropped"
        )


def instrument_table() -> InstrumentTable:
    """Return the instruments of the process."""
    return current_runtime().get(InstrumentTable)
