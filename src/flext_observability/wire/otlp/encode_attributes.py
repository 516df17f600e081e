"""Attributes, resources and scopes → OTLP protobuf. Anything unusual raises: the stock encoder encodes the batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, cast, final

from flext_observability.wire.otlp.protobuf import field, int64, text_field

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

_MAX_KEYS: Final = 1024
_MAX_VALUES: Final = 128
"""Cached values of one key; a key with more has distinct values."""
_MAX_CACHED_BYTES: Final = 256
_MAX_DEPTH: Final = 16
_double: Final = Struct("<d").pack


class NotEncodableError(Exception):
    """Raised for a value that the stock encoders of different versions encode differently, or not at all."""


def any_value(value: object, depth: int = 0) -> bytes:
    """Return a value of any type as ``AnyValue``.

    Raises:
        NotEncodableError: The type is not supported, or the value is nested too deeply.
        OverflowError: A number has more than 64 bits.
        UnicodeEncodeError: A text has a lone surrogate.
    """
    encode = _BY_TYPE.get(type(value))
    if encode is not None:
        return encode(value, depth)
    for base, encode_base in _BY_BASE:  # the order of the stock encoder
        if isinstance(value, base):
            return encode_base(value, depth)
    raise NotEncodableError(type(value).__name__)


def _text(value: str, _depth: int) -> bytes:
    return field(b"\x0a", str.encode(value))


def _bool(value: object, _depth: int) -> bytes:
    return b"\x10\x01" if value else b"\x10\x00"


def _int(value: int, _depth: int) -> bytes:
    return b"\x18" + int64(int(value))


def _float(value: float, _depth: int) -> bytes:
    return b"\x21" + _double(value)


def _bytes(value: bytes, _depth: int) -> bytes:
    return field(b"\x3a", bytes(value))


def _array(values: Sequence[object], depth: int) -> bytes:
    if depth == _MAX_DEPTH:
        raise NotEncodableError("nested too deeply")
    return field(b"\x2a", b"".join([field(b"\x0a", any_value(value, depth + 1)) for value in values]))


def _map(values: Mapping[object, object], depth: int) -> bytes:
    if depth == _MAX_DEPTH:
        raise NotEncodableError("nested too deeply")
    pairs = [_key(str(key)) + field(b"\x12", any_value(value, depth + 1)) for key, value in values.items()]
    return field(b"\x32", b"".join([field(b"\x0a", pair) for pair in pairs]))


def _key(key: str) -> bytes:
    return text_field(b"\x0a", key)


_Encode = Callable[[Any, int], bytes]
_BY_TYPE: Final[Mapping[type, _Encode]] = {
    str: _text,
    bool: _bool,
    int: _int,
    float: _float,
    bytes: _bytes,
    tuple: _array,
    list: _array,
    dict: _map,
}
_BY_BASE: Final[Sequence[tuple[type, _Encode]]] = (
    (str, _text),
    (int, _int),
    (float, _float),
    (bytes, _bytes),
    (Sequence, _array),
    (Mapping, _map),
)


_Cached = dict[type, dict[object, bytes]]
"""Encoded attributes of one key, by the type and the value: 1 and True are equal, but encoded differently."""


@final
class AttributeEncoder:
    """Encodes attributes as repeated ``KeyValue`` fields, with a bounded cache of short texts, integers and bools.

    Not thread-safe.

    Args:
        tag: Number and type of the field in its message.
    """

    __slots__ = ("_keys", "_tag")

    def __init__(self, tag: bytes) -> None:
        self._tag = tag
        self._keys: dict[str, _Cached] = {}

    def encode(self, attributes: Mapping[str, object] | None) -> bytes:  # measured: benchmarks, OTLP encoding
        """Return the fields of all attributes, in order; nothing without attributes.

        Raises:
            Exception: As in ``any_value``; or a key is not text.
        """
        if not attributes:
            return b""
        keys = self._keys
        parts: list[bytes] = []
        for key, value in attributes.items():
            try:
                parts.append(keys[key][type(value)][value])
            except (KeyError, TypeError):  # not in the cache; or not hashable
                parts.append(self._encode(key, value))
        return b"".join(parts)

    def _encode(self, key: str, value: object) -> bytes:
        if type(key) is not str:
            raise NotEncodableError("a key is not text")
        encoded = field(self._tag, text_field(b"\x0a", key) + field(b"\x12", any_value(value)))
        if len(encoded) <= _MAX_CACHED_BYTES:
            self._add(key, value, encoded)
        return encoded

    def _add(self, key: str, value: object, encoded: bytes) -> None:
        known = self._keys.get(key)
        if known is None:
            if len(self._keys) >= _MAX_KEYS:
                self._keys.clear()
            known = self._keys[key] = {str: {}, int: {}, bool: {}}  # equal floats may differ: 0.0 and -0.0
        values = known.get(type(value))
        if values is not None and len(values) < _MAX_VALUES:
            values[value] = encoded


@final
class ContextEncoder:
    """Encodes resources and scopes, with a cache of the latest ones."""

    __slots__ = ("_encoded",)

    def __init__(self) -> None:
        self._encoded: dict[int, tuple[object, bytes]] = {}  # by id; the object is kept, so that no other gets its id

    def resource(self, resource: Resource) -> bytes:
        """Return a resource as field 1 of its message."""
        return self._cached(resource, lambda: AttributeEncoder(b"\x0a").encode(resource.attributes))

    def scope(self, scope: InstrumentationScope | None) -> bytes:
        """Return an instrumentation scope as field 1 of its message; an empty one for None."""
        return b"\x0a\x00" if scope is None else self._cached(scope, lambda: _scope(scope))

    def _cached(self, key: object, encode: Callable[[], bytes]) -> bytes:
        known = self._encoded.get(id(key))
        if known is not None:
            return known[1]
        if len(self._encoded) >= _MAX_VALUES:
            self._encoded.clear()
        encoded = field(b"\x0a", encode())
        self._encoded[id(key)] = (key, encoded)
        return encoded


def _scope(scope: InstrumentationScope) -> bytes:
    attributes = AttributeEncoder(b"\x1a").encode(cast("Mapping[str, object] | None", scope.attributes))
    return text_field(b"\x0a", scope.name) + text_field(b"\x12", scope.version) + attributes


Groups = dict["Resource", dict["InstrumentationScope | None", list[bytes]]]
"""Encoded items by resource and scope, both in the order of their first item."""


@final
class Grouping:
    """Groups the encoded items of one request by resource and scope.

    Equal resources share a group, but hashing them is slow: each object is hashed once.
    """

    __slots__ = ("_by_identity", "_groups")

    def __init__(self) -> None:
        self._groups: Groups = {}
        self._by_identity: dict[tuple[int, int], tuple[object, object, list[bytes]]] = {}

    def items_of(self, resource: Resource, scope: InstrumentationScope | None) -> list[bytes]:
        """Return the list for the items of a resource and a scope."""
        known = self._by_identity.get((id(resource), id(scope)))
        if known is not None:
            return known[2]
        items = self._groups.setdefault(resource, {}).setdefault(scope, [])
        self._by_identity[id(resource), id(scope)] = resource, scope, items  # kept, so that no other gets its id
        return items

    def encode(self, contexts: ContextEncoder) -> bytes:
        """Return the request."""
        return b"".join([field(b"\x0a", _resource_items(*each, contexts)) for each in self._groups.items()])


def _resource_items(
    resource: Resource, scopes: dict[InstrumentationScope | None, list[bytes]], contexts: ContextEncoder
) -> bytes:
    parts = [contexts.resource(resource)]
    for scope, items in scopes.items():
        schema_url = "" if scope is None else scope.schema_url
        content = contexts.scope(scope) + b"".join(items) + text_field(b"\x1a", schema_url)
        parts.append(field(b"\x12", content))
    parts.append(text_field(b"\x1a", resource.schema_url))
    return b"".join(parts)
