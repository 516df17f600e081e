"""Instruments that a program declares, and the nearest name to a name that it does not declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final, Literal

from flext_observability.values.dataclass import dataclass
from flext_observability.values.encoding import preview

InstrumentKind = Literal["counter", "up_down_counter", "gauge", "histogram"]
_SIMILARITY: Final = 0.6
_MAX_LISTED: Final = 8


@dataclass(frozen=True, slots=True)
class DeclaredInstrument:
    """One instrument of a program.

    Attributes:
        name: Instrument name.
        kind: Kind, without the difference between observable and other instruments.
        unit: UCUM unit; empty for none.
        description: Description; empty for none.
        attributes: Known names of attributes.
        complete: Whether ``attributes`` are all names that the instrument can have, not only those seen so far.
        mode: Of a gauge: how the values of several processes become one, as for the metrics page; empty for none.
    """

    name: str
    kind: InstrumentKind
    unit: str = ""
    description: str = ""
    attributes: tuple[str, ...] = ()
    complete: bool = False
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Declarations:
    """What a program declares.

    Attributes:
        service_name: Service name; empty if the program sets none.
        instruments: Instruments of the program, by name.
        library: Instruments of this library and of instrumentations, by name; the program may have them.
        evaluation_seconds: Interval of the evaluation of alert rules.
        export_seconds: Interval between pushes of metrics.
        native_histograms: Whether histograms are exponential, which are native ones in Prometheus.
    """

    service_name: str
    instruments: Mapping[str, DeclaredInstrument]
    library: Mapping[str, DeclaredInstrument]
    evaluation_seconds: float = 15.0
    export_seconds: float = 60.0
    native_histograms: bool = False

    def find(self, name: str) -> DeclaredInstrument | None:
        """Return the instrument with this name; None if it is not known."""
        return self.instruments.get(name) or self.library.get(name)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most similar to this one; empty if none is similar."""
    return next(iter(get_close_matches(name, sorted(set(known)), n=1, cutoff=_SIMILARITY)), "")


def suggest(name: str, known: Iterable[str]) -> str:
    """Return what to use instead of an unknown name: the nearest one, or all if they are few; empty for neither."""
    names = sorted(set(known))
    found = nearest(name, names)
    if found:
        return f"Use {preview(found)}"
    if 0 < len(names) <= _MAX_LISTED:
        return f"Use one of {', '.join(map(preview, names))}"
    return ""
