"""Arguments and environment → one value for each field given, where it came from, and what was wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import cast

from flext_observability.domain.report import Notice
from flext_observability.settings.config import FIELDS, FlextObservabilityConfig, set_fields
from flext_observability.settings.fields import PREFIX, UNSET, Field, Variable
from flext_observability.settings.types import LIMIT, Kind, PartialParseError
from flext_observability.values.encoding import preview
from flext_observability.values.masking import without_credentials

ARGUMENT = "argument"
DEFAULT = "default"
_LONGEST_SHOWN = 60
_LARGEST_SHOWN = 64


@dataclass(slots=True)
class PartialSettings:
    """What is known so far.

    Attributes:
        values: Value of each field that somebody has given.
        sources: Where it came from: ``argument`` or a variable's name; for merged fields also by ``field.key``.
        notices: What was wrong or noteworthy.
        mistakes: Wrong arguments, one sentence part each.
    """

    values: dict[str, object] = field(default_factory=dict[str, object])
    sources: dict[str, str] = field(default_factory=dict[str, str])
    notices: list[Notice] = field(default_factory=list[Notice])
    mistakes: list[str] = field(default_factory=list[str])

    def source(self, name: str) -> str:
        """Return where a field's value came from."""
        return self.sources.get(name, DEFAULT)

    def rank(self, name: str) -> int:
        """Return the strength of a field's source: 0 argument, 1 ours, 2 OpenTelemetry's, 3 default."""
        return rank(self.source(name))

    def take(self, name: str, value: object, source: str) -> None:
        """Set a field."""
        self.values[name] = value
        self.sources[name] = source

    def forget(self, name: str) -> None:
        """Return a field to its default."""
        self.values.pop(name, None)
        self.sources.pop(name, None)


def rank(source: str) -> int:
    """Return the strength of a source: 0 argument, 1 a variable of ours, 2 one of OpenTelemetry's, 3 default."""
    if source in {ARGUMENT, DEFAULT}:
        return 0 if source == ARGUMENT else 3
    return 2 if source.startswith("OTEL_") else 1


def read(
    given: FlextObservabilityConfig | None, arguments: Mapping[str, object], environ: Mapping[str, str]
) -> PartialSettings:
    """Return everything that was given, argument before variable, each value checked."""
    draft = PartialSettings()
    objects = _by_field(arguments, draft)
    if given is not None:
        objects = {**set_fields(given), **objects}
    for name, value in objects.items():
        _take_argument(draft, FIELDS[name], value)
    for name in _touched(environ, draft):
        _take_variables(draft, FIELDS[name], environ)
    return draft


def similar(name: str, names: Iterable[str]) -> str:
    """Return a hint at the name that was probably meant; empty when none is near."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(names), 1)
    return f" (did you mean {near[0]}?)" if near else ""


def preview_value(value: object, kind: Kind[object]) -> str:
    """Return a value for a message: short, nothing secret, and without running code of the value's own."""
    if kind.secret:
        return "…" if type(value) is str else type(value).__name__
    if type(value) in {str, float, bool} or (type(value) is int and value.bit_length() < _LARGEST_SHOWN):
        text = without_credentials(repr(value))
        return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return type(value).__name__


@cache
def _argument_names() -> dict[str, str]:
    """Return the field's name by each name of an argument."""
    return {alias: row.name for row in FIELDS.values() for alias in (*row.aliases, row.name)}


@cache
def _variable_names() -> dict[str, str]:
    """Return the field's name by each variable."""
    return {variable.name: row.name for row in FIELDS.values() for variable in row.variables}


def _by_field(arguments: Mapping[str, object], draft: PartialSettings) -> dict[str, object]:
    """Return the arguments under their fields' names, those that are not given left out."""
    names = _argument_names()
    values: dict[str, object] = {}
    for key, value in arguments.items():
        name = names.get(key)
        if name is None:
            draft.mistakes.append(f"{preview(key)} is not a setting{similar(key, names)}")
        elif _is_given(value, FIELDS[name]):
            if name in values and values[name] is not value:
                draft.mistakes.append(f"{name} is given under two names, with different values")
            values[name] = value
    return values


def _is_given(value: object, row: Field) -> bool:
    """Return whether a value says anything: None and the empty text say "not given", None for a limit "no limit"."""
    if value is None:
        return row.kind is LIMIT
    # Exact type: nothing of an unknown object is run here (a proxy may raise even when asked for its class).
    return value is not UNSET and not (type(value) is str and not value)


def _take_argument(draft: PartialSettings, row: Field, value: object) -> None:
    if not _is_given(value, row):
        return
    try:
        accepted = row.kind.accept(value)
    except Exception as error:  # noqa: BLE001 - a value of any type may raise anything when it is looked at
        # Only our own kinds raise ValueError itself, with text of theirs; whatever else comes is the value's own.
        detail = (
            f" ({error})"
            if type(error) in {ValueError, PartialParseError} and error.args and not row.kind.secret
            else ""
        )
        draft.mistakes.append(f"{row.name} must be {row.kind.allowed}{detail}, got {preview_value(value, row.kind)}")
        return
    _keep(draft, row, accepted, ARGUMENT)


def _touched(environ: Mapping[str, str], draft: PartialSettings) -> Iterator[str]:
    """Yield each field that a variable of the environment speaks of, once; note those of ours that nobody knows."""
    known = _variable_names()
    seen: set[str] = set()
    for variable in environ:
        name = known.get(variable)
        if name is None:
            if variable.startswith(PREFIX):
                draft.notices.append(
                    Notice("all", f"{variable} is not a setting{similar(variable, known)}", "Correct or unset it")
                )
        elif name not in seen:
            seen.add(name)
            yield name


def _take_variables(draft: PartialSettings, row: Field, environ: Mapping[str, str]) -> None:
    """Take the strongest good variable of a field, or, for a merged field, all of them."""
    for variable in row.variables:
        if row.name in draft.values and not row.merged:
            return
        text = environ.get(variable.name, "")
        if text.strip():
            _take_variable(draft, row, variable, text)


def _take_variable(draft: PartialSettings, row: Field, variable: Variable, text: str) -> None:
    kind = variable.kind or row.kind
    try:
        value = kind.parse(text)
    except PartialParseError as error:
        draft.notices.append(_wrong(row, variable.name, text, kind, f": left out: {error}"))
        value = error.value
    except ValueError:
        draft.notices.append(_wrong(row, variable.name, text, kind, ""))
        return
    _keep(draft, row, value, variable.name)


def _wrong(row: Field, variable: str, text: str, kind: Kind[object], detail: str) -> Notice:
    message = f"{variable}={preview_value(text, kind)} is not valid{detail or ' and not used'}"
    return Notice(row.signal, message, f"It must be {kind.allowed}; correct or unset it", degrades=True)


def _keep(draft: PartialSettings, row: Field, value: object, source: str) -> None:
    """Set a field, or add what stronger sources of a merged field have not said."""
    if not row.merged:
        draft.take(row.name, value, source)
        return
    merged = cast("dict[str, object]", draft.values.setdefault(row.name, {}))
    draft.sources.setdefault(row.name, source)
    for key, item in cast("Mapping[str, object]", value).items():
        if key not in merged:
            merged[key] = item
            draft.sources[f"{row.name}.{key}"] = source
