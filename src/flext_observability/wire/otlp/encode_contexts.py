"""Resources and instrumentation scopes → OTLP protobuf, and encoded items → groups that share them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.wire.otlp.encode_attributes import AttributeEncoder
from flext_observability.wire.otlp.protobuf import field, text_field

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

_MAX_CONTEXTS: Final = 128


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
        if len(self._encoded) >= _MAX_CONTEXTS:
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
