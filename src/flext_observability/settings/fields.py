"""Declaration of one setting → row of the field table: kind, default, unit, variables, one line of contract."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

from flext_observability.domain.report import Signal
from flext_observability.settings.types import Kind

T = TypeVar("T")
DefaultT = TypeVar("DefaultT")

PREFIX = "FLEXT_OBSERVABILITY_"
_ROW = "setting"


class Unset(enum.Enum):
    """Mark of a field that nobody has given; survives copying and pickling."""

    UNSET = "unset"

    def __repr__(self) -> str:
        """Return the bare word, as ``repr`` of a configuration leaves the field out anyway."""
        return "UNSET"


UNSET = Unset.UNSET


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable that a field reads.

    Attributes:
        name: Its name.
        kind: How its text is read, where that differs from the field's own kind (milliseconds for seconds).
    """

    name: str
    kind: Kind[object] | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One row of the field table.

    Attributes:
        name: Name of the argument and of the attribute.
        kind: How values are read and checked.
        default: Value when nobody has given one.
        doc: One line of contract.
        unit: Unit of the value; empty for none.
        variables: What it reads from the environment, strongest first.
        aliases: Further names of the argument.
        signal: The signal that a wrong value degrades.
        merged: Whether all sources are put together by key, the strongest winning, instead of the strongest alone counting.
    """

    name: str
    kind: Kind[object]
    default: object
    doc: str
    unit: str = ""
    variables: tuple[Variable, ...] = ()
    aliases: tuple[str, ...] = ()
    signal: Signal | Literal["all"] = "all"
    merged: bool = False


def setting(  # noqa: PLR0913 - one declaration, each part named
    kind: Kind[T],
    doc: str,
    *variables: str | tuple[str, Kind[T]],
    default: DefaultT,
    unit: str = "",
    aliases: tuple[str, ...] = (),
    signal: Signal | Literal["all"] = "all",
    merged: bool = False,
) -> T | DefaultT:
    """Declare a setting: the value of a dataclass attribute, typed as what the resolved configuration holds."""
    read = tuple(
        Variable(each) if isinstance(each, str) else Variable(each[0], cast("Kind[object]", each[1]))
        for each in variables
    )
    row = Field("", cast("Kind[object]", kind), default, doc, unit, read, aliases, signal, merged)
    return cast("T | DefaultT", dataclasses.field(default=UNSET, metadata={_ROW: row}))


def table(cls: type) -> dict[str, Field]:
    """Return the rows that a class of settings declares, bases first, each with its own ``FLEXT_OBSERVABILITY_`` variable."""
    return {each.name: _named(each.name, cast("Field", each.metadata[_ROW])) for each in dataclasses.fields(cls)}


def _named(name: str, row: Field) -> Field:
    own = Variable(PREFIX + name.upper())
    # A row that lists its own variable has put stronger ones before it.
    variables = row.variables if own in row.variables else (own, *row.variables)
    return dataclasses.replace(row, name=name, variables=variables)
