"""OTLP values, attributes, resources and scopes → those of OpenTelemetry's SDK."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import (
        AnyValue,
        InstrumentationScope as ScopeMessage,
        KeyValue,
    )
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage


def restored_value(message: AnyValue) -> Any:  # noqa: ANN401 - of any type that OTLP has
    """Return a value; None for an empty one."""
    kind = message.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return tuple(restored_value(each) for each in message.array_value.values)
    if kind == "kvlist_value":
        return restored_attributes(message.kvlist_value.values)
    return getattr(message, kind)


def restored_attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Return attributes in their order."""
    return {pair.key: restored_value(pair.value) for pair in pairs}


def restored_resource(message: ResourceMessage, schema_url: str) -> Resource:
    """Return a resource."""
    return Resource(restored_attributes(message.attributes), schema_url)


def restored_scope(message: ScopeMessage, schema_url: str) -> InstrumentationScope:
    """Return an instrumentation scope."""
    attributes = restored_attributes(message.attributes)
    return InstrumentationScope(message.name, message.version or None, schema_url, attributes)
