"""What all entities share: strict types, unique ids, aware timestamps, and the mark that they were emitted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, ClassVar, Final, Self, cast
from uuid import uuid4

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, PrivateAttr

from flext_observability.domain.result import FlextResult
from flext_observability.values.encoding import encode_tag, is_container


def new_id() -> str:
    """Return a unique id: a random UUID as text."""
    return str(uuid4())


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def is_finite(value: float | Decimal) -> bool:
    """Whether the number is neither infinite, NaN, nor beyond any float."""
    try:
        return isfinite(float(value))
    except (OverflowError, ValueError):  # an int beyond any float; a signalling NaN
        return False


def _number(value: object) -> float | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(f"a number is an int, float or Decimal, not {type(value).__name__}")
    return value


def tags_to_text(value: object) -> dict[str, str]:
    """Encode every tag's value as text.

    Raises:
        ValueError: ``value`` is no mapping, a name is no text, or a value is a container.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"tags map names to scalars: a dict, not {type(value).__name__}")
    tags: dict[str, str] = {}
    for name, item in cast("Mapping[object, object]", value).items():
        if not isinstance(name, str):
            raise ValueError(f"a tag's name is text, not {type(name).__name__}")
        if is_container(item):
            raise ValueError(f"the tag {name!r} is a scalar, not {type(item).__name__}")
        tags[encode_tag(name)] = encode_tag(item)
    return tags


def _copied(value: object) -> object:
    return dict(cast("Mapping[object, object]", value)) if isinstance(value, Mapping) else value


Number = Annotated[int | float | Decimal, PlainValidator(_number)]
"""Int, float or Decimal, kept as given; bool, text and bytes are refused."""
Tags = Annotated[dict[str, str], PlainValidator(tags_to_text)]
"""Names to scalars; every scalar becomes text, containers are refused."""
Details = Annotated[dict[str, Any], BeforeValidator(_copied)]
"""Names to anything; copied."""

_field_names: Final[dict[frozenset[str], set[str]]] = {}


class Entity(BaseModel):
    """Base of the five entities.

    Types are checked at construction (``pydantic.ValidationError``); rules by ``validate_business_rules``, so that an entity which breaks a
    rule can say so.

    Attributes:
        kind: What it is, as in failure messages and codes.
        time_field: Name of the field that says when.
        id: Unique; a random UUID unless given.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    kind: ClassVar[str]
    time_field: ClassVar[str] = "timestamp"

    id: str = Field(default_factory=new_id)
    # One token, shared with copies of any depth (they keep the id: they are the same entity); taking it is atomic.
    _unemitted: list[None] = PrivateAttr(default_factory=lambda: [None])

    def validate_business_rules(self) -> FlextResult[None]:
        """Check the rules.

        Returns:
            Success, or a failure with the code ``invalid_<entity>``: the first rule that is broken and what is allowed.
        """
        broken = self._broken_rule()
        return FlextResult[None].fail(broken, code=f"invalid_{self.kind}") if broken else FlextResult.ok(None)

    @abstractmethod
    def _broken_rule(self) -> str:
        """Return what is wrong and what is allowed, for the first rule that is broken; empty when none is."""
        ...

    def validate_domain_rules(self) -> FlextResult[None]:
        """Check the rules (alias of ``validate_business_rules``)."""
        return self.validate_business_rules()

    def intern_fields_set(self) -> None:
        """Share the set of given fields' names with all entities of the same shape: for those that are kept, half of their size.

        For frozen entities only: setting a field of another one would write into the shared set.
        """
        given = self.model_fields_set
        object.__setattr__(self, "__pydantic_fields_set__", _field_names.setdefault(frozenset(given), given))

    @property
    def emitted(self) -> bool:
        """Whether this entity, or a copy, was emitted."""
        return not self._unemitted

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return a copy that shares nothing but the mark: it is the same entity."""
        copied = super().__deepcopy__(memo)
        copied._unemitted = self._unemitted  # noqa: SLF001 - its own class
        return copied

    def mark_emitted(self) -> bool:
        """Mark this entity and its copies as emitted: True the first time, False after."""
        try:
            self._unemitted.pop()
        except IndexError:
            return False
        return True
