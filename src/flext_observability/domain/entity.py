"""Base class of the entities: strict types, unique ids, timezone-aware times, and an "emitted" mark."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from math import isfinite
from os import urandom
from typing import Annotated, Any, ClassVar, Final, Self, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, PrivateAttr

from flext_observability.domain.result import FlextResult
from flext_observability.domain.rules import InvalidField, Violation, to_result
from flext_observability.values.encoding import encode_tag, is_container, preview
from flext_observability.values.exceptions import describe_error
from flext_observability.values.foreign import copy_mapping, is_a, is_mapping, type_name
from flext_observability.values.interrupts import reraise_interrupt

_VARIANTS: Final = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


def new_id() -> str:
    """Return a random UUID (version 4) as text."""
    text = urandom(16).hex()
    variant = _VARIANTS[text[16]]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def is_finite(value: float | Decimal) -> bool:
    """Return whether the number is a finite float: not infinite, not NaN, not out of range."""
    try:
        return isfinite(float(value))
    except (OverflowError, ValueError):  # an int out of range; a signalling NaN
        return False


def _validate_number(value: object) -> float | Decimal:
    kind = type(value)
    if kind in _NUMBERS:
        return cast("float", value)
    if kind is not bool:
        for base, exact in _EXACT:  # the methods of a subclass may raise
            if issubclass(kind, base):
                return exact(value)
    raise InvalidField(f"{type_name(value)} is not a number", "Use int, float or Decimal")


def tags_to_text(value: object) -> dict[str, str]:
    """Encode every tag's value as text.

    Raises:
        InvalidField: ``value`` is not a mapping, a name is not text, or a value is a container.
    """
    if not is_mapping(value):
        raise InvalidField(f"{type_name(value)} is not a mapping", "Use a dict of names and scalars")
    tags: dict[str, str] = {}
    for name, item in _readable_items(value):
        if not is_a(name, str):
            raise InvalidField(f"a name is {type_name(name)}, not text", "Use text as the names of tags")
        if is_container(item):
            raise InvalidField(
                f"the value of {preview(name)} is {type_name(item)}", "Use scalars as the values of tags"
            )
        tags[encode_tag(name)] = encode_tag(item)
    return tags


def _copy_mapping(value: object) -> object:
    return dict(_readable_items(value)) if is_mapping(value) else value


def _readable_items(value: Mapping[object, object]) -> Iterable[tuple[object, object]]:
    """Return the items of a mapping.

    Raises:
        InvalidField: The mapping cannot be read, or has too many items.
    """
    if type(value) is dict:
        return cast("dict[object, object]", value).items()
    try:
        return copy_mapping(value).items()
    except BaseException as error:  # noqa: BLE001 - a foreign mapping may raise anything
        reraise_interrupt(error)
        raise InvalidField(f"it cannot be read: {describe_error(error)}", "Use a dict") from None


_NUMBERS: Final = (float, int, Decimal)
_EXACT: Final[tuple[tuple[type, Callable[[Any], float | Decimal]], ...]] = (
    (float, float.__float__),
    (int, int.__int__),
    (Decimal, Decimal),
)
Number = Annotated[int | float | Decimal, PlainValidator(_validate_number)]
"""Int, float or Decimal, kept as given. Bool, text and bytes are invalid."""
Tags = Annotated[dict[str, str], PlainValidator(tags_to_text)]
"""Names and scalars. Scalars are stored as text, containers are invalid."""
Details = Annotated[dict[str, Any], BeforeValidator(_copy_mapping)]
"""Names and values of any type, as a copy."""

_field_names: Final[dict[frozenset[str], set[str]]] = {}


def fields_set_of(names: Iterable[str]) -> set[str]:
    """Return pydantic's set of these field names, shared by all frozen entities with the same fields set."""
    given = set(names)
    return _field_names.setdefault(frozenset(given), given)


class Entity(BaseModel):
    """Base class of the five entities.

    The constructor checks types (``pydantic.ValidationError``). ``validate_business_rules`` checks rules.

    Attributes:
        kind: Name of the entity's type in failure messages and codes.
        time_field: Name of the field with the entity's time.
        id: Unique id; a random UUID by default.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    kind: ClassVar[str]
    time_field: ClassVar[str] = "timestamp"

    id: str = Field(default_factory=new_id)
    # One token, shared with every copy (a copy keeps the id, it is the same entity). Removing it is atomic.
    _unemitted: list[None] = PrivateAttr(default_factory=lambda: [None])

    def validate_business_rules(self) -> FlextResult[None]:
        """Check the rules.

        Returns:
            Success, or the failure ``invalid_<kind>`` for the first broken rule.
        """
        return to_result(self._find_violation(), self.kind)

    @abstractmethod
    def _find_violation(self) -> Violation | None:
        """Return the first broken rule; None for a valid entity."""
        ...

    def validate_domain_rules(self) -> FlextResult[None]:
        """Check the rules. Alias of ``validate_business_rules``."""
        return self.validate_business_rules()

    def intern_fields_set(self) -> None:
        """Share pydantic's set of field names with all entities that set the same fields.

        This halves the memory of stored entities. For frozen entities only, because a mutable entity changes its set.
        """
        object.__setattr__(self, "__pydantic_fields_set__", fields_set_of(self.model_fields_set))

    @property
    def emitted(self) -> bool:
        """Whether this entity or a copy of it was emitted."""
        return not self._unemitted

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return a deep copy that shares the "emitted" mark."""
        copied = super().__deepcopy__(memo)
        copied._unemitted = self._unemitted  # noqa: SLF001 - an instance of this class
        return copied

    def mark_emitted(self) -> bool:
        """Mark this entity and its copies as emitted. Return True the first time, then False."""
        try:
            self._unemitted.pop()
        except IndexError:
            return False
        return True
