"""Content of OTLP requests, for comparisons."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flext_observability.domain.report import Signal
from flext_observability.wire.otlp.encode import collector_message

_GROUPS = {
    "traces": ("resource_spans", "scope_spans", "spans"),
    "logs": ("resource_logs", "scope_logs", "log_records"),
    "metrics": ("resource_metrics", "scope_metrics", "metrics"),
}
Group = tuple[bytes, str, bytes, str]
"""A resource and a scope with their schema URLs."""


def groups(signal: Signal, body: bytes) -> list[tuple[Group, list[bytes]]]:
    """Return resource, scope and items of each group of a request."""
    request: Any = collector_message(signal, "Request")
    request.ParseFromString(body)
    resources, scopes, items = _GROUPS[signal]
    return [
        (
            (
                of.resource.SerializeToString(),
                of.schema_url,
                scope.scope.SerializeToString(),
                scope.schema_url,
            ),
            [item.SerializeToString(deterministic=True) for item in getattr(scope, items)],
        )
        for of in getattr(request, resources)
        for scope in getattr(of, scopes)
    ]


def contents(signal: Signal, body: bytes) -> Counter[tuple[Group, bytes]]:
    """Return each item of a request with its resource and scope, in any order."""
    return Counter((group, item) for group, items in groups(signal, body) for item in items)


def has_equal_groups(signal: Signal, body: bytes) -> bool:
    """Return whether two groups of a request are equal: without a version and with an empty one, for instance."""
    keys = [group for group, _ in groups(signal, body)]
    return len(set(keys)) < len(keys)
