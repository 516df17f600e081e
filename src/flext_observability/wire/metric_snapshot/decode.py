"""Bytes of a metric snapshot → document; texts of attributes → mappings."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast
from zlib import crc32

from flext_observability.wire.metric_snapshot.encode import BYTES_KEY, MAGIC

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes

    from flext_observability.wire.metric_snapshot.encode import Document

_FORMAT = MAGIC.partition(b" ")[0]


class SnapshotError(ValueError):
    """The bytes are not a complete snapshot of this version."""


def from_bytes(content: bytes) -> Document:
    """Return the document of a file.

    Raises:
        SnapshotError: The content is not a complete snapshot of this version.
    """
    head, _, body = content.partition(b"\n")
    if not head.startswith(_FORMAT):
        raise SnapshotError("it is not a metric snapshot")
    if not head.startswith(MAGIC):
        raise SnapshotError("another version of this package wrote it")
    if head != MAGIC + b"%08x %d" % (crc32(body), len(body)):
        raise SnapshotError("it is incomplete or damaged")
    document: object = json.loads(body)
    if not isinstance(document, dict):
        raise SnapshotError("it is not a metric snapshot")
    return cast("Document", document)


@lru_cache(maxsize=8192)
def attributes_of(text: str) -> Attributes:
    """Return the attributes of a JSON text. Callers do not change them."""
    attributes: dict[str, Any] = json.loads(text)
    return {name: _value(value) for name, value in attributes.items()}


def _value(value: object) -> Any:  # noqa: ANN401 - a value of an attribute
    if isinstance(value, list):
        return tuple(_value(item) for item in cast("list[object]", value))
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value)
        if set(items) == {BYTES_KEY}:
            return b64decode(str(items[BYTES_KEY]))
        return {name: _value(item) for name, item in items.items()}
    return value
