"""Arguments and environment → value and source of each field that is set; errors and notices for invalid ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from functools import cache
from typing import cast

from flext_observability.domain.report import Notice
from flext_observability.settings.config import FIELDS, FlextObservabilityConfig, set_fields
from flext_observability.settings.fields import PREFIX, UNSET, Field, Variable
from flext_observability.settings.masking import preview_value
from flext_observability.settings.types import LIMIT, PartialParseError
from flext_observability.values.dataclass import dataclass
from flext_observability.values.encoding import preview
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.masking import mask_secrets

ARGUMENT = "argument"
DEFAULT = "default"


@dataclass(slots=True, repr=False, eq=False)
class PartialSettings:
    """Settings while they are being resolved.

    Attributes:
        values: Value of each field that is set.
        sources: ``argument`` or the variable's name, by field; for merged fields also by ``field.key``.
        notices: Findings for the status.
        errors: One message for each invalid argument.
    """

    values: dict[str, object] = field(default_factory=dict[str, object])
    sources: dict[str, str] = field(default_factory=dict[str, str])
    notices: list[Notice] = field(default_factory=list[Notice])
    errors: list[str] = field(default_factory=list[str])

    def source(self, name: str) -> str:
        """Return the source of a field's value."""
        return self.sources.get(name, DEFAULT)

    def precedence(self, name: str) -> int:
        """Return the precedence of a field's source, as ``precedence`` does."""
        return precedence(self.source(name))

    def set(self, name: str, value: object, source: str) -> None:
        """Set a field."""
        self.values[name] = value
        self.sources[name] = source

    def reset(self, name: str) -> None:
        """Reset a field to its default."""
        self.values.pop(name, None)
        self.sources.pop(name, None)


def precedence(source: str) -> int:
    """Return 0 for an argument, 1 for a variable of this library, 2 for one of OpenTelemetry, 3 for the default."""
    if source in {ARGUMENT, DEFAULT}:
        return 0 if source == ARGUMENT else 3
    return 2 if source.startswith("OTEL_") else 1


def read(
    given: FlextObservabilityConfig | None, arguments: Mapping[str, object], environ: Mapping[str, str]
) -> PartialSettings:
    """Return all given values, checked. Arguments have precedence over variables."""
    partial = PartialSettings()
    objects = _by_field(arguments, partial)
    if given is not None:
        objects = {**set_fields(given), **objects}
    for name, value in objects.items():
        _read_argument(partial, FIELDS[name], value)
    for name in _fields_in_environment(environ, partial):
        _read_variables(partial, FIELDS[name], environ)
    return partial


def _suggestion(name: str, names: Iterable[str]) -> str:
    """Return a hint for the most similar name, or an empty text."""
    from difflib import get_close_matches

    matches = get_close_matches(name, list(names), 1)
    return f" (did you mean {matches[0]}?)" if matches else ""


@cache
def _fields_by_argument() -> dict[str, str]:
    return {alias: row.name for row in FIELDS.values() for alias in (*row.aliases, row.name)}


@cache
def _fields_by_variable() -> dict[str, str]:
    return {variable.name: row.name for row in FIELDS.values() for variable in row.variables}


def _by_field(arguments: Mapping[str, object], partial: PartialSettings) -> dict[str, object]:
    """Return the given arguments by the names of their fields."""
    names = _fields_by_argument()
    values: dict[str, object] = {}
    for key, value in arguments.items():
        name = names.get(key)
        if name is None:
            partial.errors.append(f"{preview(mask_secrets(key))} is not a setting{_suggestion(key, names)}")
        elif _is_given(value, FIELDS[name]):
            if name in values and values[name] is not value:
                partial.errors.append(f"{name} is given under two names, with different values")
            values[name] = value
    return values


def _is_given(value: object, row: Field) -> bool:
    """Return whether an argument is given: not None (except for limits) and not an empty text."""
    if value is None:
        return row.type is LIMIT
    # `type()`: `isinstance` would run code of the value (a proxy may raise).
    return value is not UNSET and not (type(value) is str and not value)


def _read_argument(partial: PartialSettings, row: Field, value: object) -> None:
    if not _is_given(value, row):
        return
    try:
        accepted = row.type.accept(value)
    except BaseException as error:  # noqa: BLE001 - a value of any type may raise anything
        reraise_interrupt(error)
        # ValueError itself comes from our types, with a message of ours; other exceptions come from the value.
        ours = type(error) in {ValueError, PartialParseError} and error.args and not row.type.secret
        detail = f" ({error})" if ours else ""
        partial.errors.append(f"{row.name} must be {row.type.allowed}{detail}, got {preview_value(value, row.type)}")
        return
    _set(partial, row, accepted, ARGUMENT)


def _fields_in_environment(environ: Mapping[str, str], partial: PartialSettings) -> Iterator[str]:
    """Yield each field that has a variable in the environment, once. Unknown variables of this library are notices."""
    names = _fields_by_variable()
    seen: set[str] = set()
    for variable in environ:
        name = names.get(variable)
        if name is None:
            if variable.startswith(PREFIX):
                message = f"{variable} is not a setting{_suggestion(variable, names)}"
                partial.notices.append(Notice("all", message, "Correct or unset it"))
        elif name not in seen:
            seen.add(name)
            yield name


def _read_variables(partial: PartialSettings, row: Field, environ: Mapping[str, str]) -> None:
    """Read the first valid variable of a field; for a merged field, all of them."""
    for variable in row.variables:
        if row.name in partial.values and not row.merged:
            return
        text = environ.get(variable.name, "")
        if text.strip():
            _read_variable(partial, row, variable, text)


def _read_variable(partial: PartialSettings, row: Field, variable: Variable, text: str) -> None:
    field_type = variable.type or row.type
    given = f"{variable.name}={preview_value(text, field_type)}"
    try:
        value = field_type.parse(text)
    except PartialParseError as error:
        message = f"{given} is partly ignored: {error}"
        partial.notices.append(Notice(row.signal, message, f"Use {field_type.allowed}", degrades=True))
        value = error.value
    except ValueError:
        message = f"{given} is ignored: it must be {field_type.allowed}"
        partial.notices.append(Notice(row.signal, message, "Correct or unset it", degrades=True))
        return
    _set(partial, row, value, variable.name)


def _set(partial: PartialSettings, row: Field, value: object, source: str) -> None:
    """Set a field, or the keys of a merged field that no earlier source has set."""
    if not row.merged:
        partial.set(row.name, value, source)
        return
    merged = cast("dict[str, object]", partial.values.setdefault(row.name, {}))
    partial.sources.setdefault(row.name, source)
    for key, item in cast("Mapping[str, object]", value).items():
        if key not in merged:
            merged[key] = item
            partial.sources[f"{row.name}.{key}"] = source
