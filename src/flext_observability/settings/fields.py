"""Declaration of a setting → row of the field table: type, default, unit, variables, description."""

from __future__ import annotations

import dataclasses
import enum
from typing import TypeVar, cast

from flext_observability.domain.report import SignalOrAll
from flext_observability.settings.types import FieldType
from flext_observability.values.named_tuple import NamedTuple

T = TypeVar("T")
DefaultT = TypeVar("DefaultT")

PREFIX = "FLEXT_OBSERVABILITY_"
_ROW = "setting"


class Unset(enum.Enum):
    """Marker of a field that is not set. It stays the same object when copied or pickled."""

    UNSET = "unset"

    def __repr__(self) -> str:
        """Return ``UNSET``."""
        return "UNSET"


UNSET = Unset.UNSET


class Variable(NamedTuple):
    """Environment variable of a field.

    Attributes:
        name: Name of the variable.
        type: Type of the text, where it differs from the field's type (milliseconds for seconds).
    """

    name: str
    type: FieldType[object] | None = None


class Field(NamedTuple):
    """Row of the field table.

    Attributes:
        name: Name of the argument and of the attribute.
        type: Reads and checks values.
        default: Value of a field that is not set.
        doc: Description in one line.
        unit: What a number counts, such as ``spans``; empty for none.
        variables: Environment variables, highest precedence first.
        aliases: Further names of the argument.
        signal: The signal that an invalid value degrades.
        merged: Whether the value is merged from all sources, by key.
    """

    name: str
    type: FieldType[object]
    default: object
    doc: str
    unit: str = ""
    variables: tuple[Variable, ...] = ()
    aliases: tuple[str, ...] = ()
    signal: SignalOrAll = "all"
    merged: bool = False


def setting(  # noqa: PLR0913 - one declaration, each part named
    field_type: FieldType[T],
    doc: str,
    *variables: str | tuple[str, FieldType[T]],
    default: DefaultT,
    unit: str = "",
    aliases: tuple[str, ...] = (),
    signal: SignalOrAll = "all",
    merged: bool = False,
) -> T | DefaultT:
    """Declare a setting as a dataclass attribute with the type of the resolved value."""
    read = tuple(
        Variable(each) if isinstance(each, str) else Variable(each[0], cast("FieldType[object]", each[1]))
        for each in variables
    )
    row = Field("", cast("FieldType[object]", field_type), default, doc, unit, read, aliases, signal, merged)
    return cast("T | DefaultT", dataclasses.field(default=UNSET, metadata={_ROW: row}))


def field_table(cls: type) -> dict[str, Field]:
    """Return the rows declared by a class, bases first. Each has a ``FLEXT_OBSERVABILITY_`` variable."""
    rows = {each.name: each.metadata.get(_ROW) for each in dataclasses.fields(cls)}
    return {name: _named(name, cast("Field", row)) for name, row in rows.items() if row is not None}


def _named(name: str, row: Field) -> Field:
    own = Variable(PREFIX + name.upper())
    # A row that lists its own variable places it after others of higher precedence.
    variables = row.variables if own in row.variables else (own, *row.variables)
    return row._replace(name=name, variables=variables)
