"""Value of a setting → the value to show in messages, ``repr`` and on pages, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from flext_observability.settings.types import HEADERS, FieldType
from flext_observability.values.encoding import encode_tag
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.masking import MASK, mask_secrets
from flext_observability.values.secret_names import is_secret_name

_MAX_PREVIEW_CHARS = 60
_MAX_PREVIEW_BITS = 64


def mask_value(value: object, field_type: FieldType[object]) -> object:
    """Return the value with secrets masked, in texts, sequences and mappings; other objects are unchanged."""
    if field_type.secret:
        return _mask_all(value, has_names=field_type is HEADERS)
    if isinstance(value, str):
        return field_type.mask(value)
    if isinstance(value, Mapping):
        pairs = ((encode_tag(name), item) for name, item in cast("Mapping[object, object]", value).items())
        return {mask_secrets(name): _mask_item(name, item, field_type) for name, item in pairs}
    if isinstance(value, list | tuple):
        items = [mask_value(item, field_type) for item in cast("list[object]", value)]
        return tuple(items) if isinstance(value, tuple) else items
    return value


def mask_repr(value: object, field_type: FieldType[object]) -> str:
    """Return the ``repr`` of the masked value; the name of its type if its code raises."""
    try:
        return mask_secrets(repr(mask_value(value, field_type)))
    except BaseException as error:  # noqa: BLE001 - a setting that is not checked yet may be any object
        reraise_interrupt(error)
        return type(value).__name__


def preview_value(value: object, field_type: FieldType[object]) -> str:
    """Return a short form of a value for messages, without secrets. Runs no code of the value."""
    if field_type.secret:
        return "…" if type(value) is str else type(value).__name__
    if type(value) in {str, float, bool} or (type(value) is int and value.bit_length() < _MAX_PREVIEW_BITS):
        text = mask_repr(value, field_type)
        return text if len(text) <= _MAX_PREVIEW_CHARS else f"{text[:_MAX_PREVIEW_CHARS]}…"
    return type(value).__name__


def _mask_all(value: object, *, has_names: bool) -> object:
    if has_names and isinstance(value, Mapping):
        return {encode_tag(name): MASK for name in cast("Mapping[object, object]", value)}
    return "" if value == "" else MASK


def _mask_item(name: str, item: object, field_type: FieldType[object]) -> object:
    return MASK if is_secret_name(name) and isinstance(item, str | bytes) else mask_value(item, field_type)
