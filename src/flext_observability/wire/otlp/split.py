"""OTLP request → two requests with half of the items each, in order."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from flext_observability.wire.otlp.encode import collector_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flext_observability.domain.report import Signal

_LEVELS: Final[Mapping[Signal, tuple[str, ...]]] = {
    "traces": ("resource_spans", "scope_spans", "spans"),
    "logs": ("resource_logs", "scope_logs", "log_records"),
    "metrics": ("resource_metrics", "scope_metrics", "metrics", "data_points"),
}


def split_request(signal: Signal, body: bytes, items: int) -> list[tuple[bytes, int]]:
    """Return two requests with their number of items.

    Args:
        signal: Signal of the request.
        body: Request, protobuf, with at least two items.
        items: Number of its items.
    """
    middle = items // 2
    parts = [(0, middle), (middle, items)]
    return [(_part(signal, body, begin, end).SerializeToString(), end - begin) for begin, end in parts]


def _part(signal: Signal, body: bytes, begin: int, end: int) -> Any:  # noqa: ANN401 - a generated class
    """Return the request with the items of these positions alone."""
    request = collector_message(signal, "Request")
    request.ParseFromString(body)
    position = 0
    for parent, name in list(_lists(request, _LEVELS[signal])):
        children = getattr(parent, name)
        kept = children[max(begin - position, 0) : max(end - position, 0)]
        position += len(children)
        _replace(children, kept)
    _remove_empty(request, _LEVELS[signal])
    return request


def _lists(parent: Any, names: tuple[str, ...]) -> Iterator[tuple[Any, str]]:  # noqa: ANN401 - as above
    """Yield each message that holds a list of items, with the name of the list."""
    name, *rest = names
    if name == "data_points":
        kind = parent.WhichOneof("data")
        if kind is not None:
            yield getattr(parent, kind), name
    elif not rest:
        yield parent, name
    else:
        for child in getattr(parent, name):
            yield from _lists(child, tuple(rest))


def _remove_empty(parent: Any, names: tuple[str, ...]) -> bool:  # noqa: ANN401 - as above
    """Remove what has no items, and return whether anything is left."""
    name, *rest = names
    if name == "data_points":
        kind = parent.WhichOneof("data")
        return kind is not None and len(getattr(parent, kind).data_points) > 0
    children = getattr(parent, name)
    if rest:
        kept = [each for each in children if _remove_empty(each, tuple(rest))]
        _replace(children, kept)
    return len(children) > 0


def _replace(children: Any, kept: list[Any]) -> None:  # noqa: ANN401 - a repeated field
    """Set the content of a list to some of its messages, which are copied: the list owns them."""
    copies: list[Any] = [deepcopy(each) for each in kept]
    del children[:]
    children.extend(copies)
