"""Attributes of a span, event or log record → the most useful ones as short text for one line (pure)."""

from __future__ import annotations

from flext_observability.values.names import CORRELATION_ATTRIBUTE, SERVICE_NAME_ATTRIBUTE
from flext_observability.views.model import Attributes
from flext_observability.views.text import format_value, sanitize

# Short names of attributes of the semantic conventions.
_SHORT = {
    "http.response.status_code": "status",
    "http.status_code": "status",
    "rpc.grpc.status_code": "grpc status",
    "error.type": "error",
    "http.request.method": "method",
    "http.method": "method",
    "http.route": "route",
    "db.query.text": "query",
    "db.statement": "query",
    "db.system.name": "db",
    "db.system": "db",
    "messaging.destination.name": "to",
    "url.full": "url",
    "http.url": "url",
    "url.path": "path",
    "http.target": "path",
}
_OUTCOMES = frozenset(key for key, short in _SHORT.items() if short in ("status", "grpc status", "error"))
_LIBRARY = ("http.", "url.", "db.", "rpc.", "messaging.", "faas.", "cloud.", "aws.", "gen_ai.", "graphql.", "peer.")
# The environment of the code instead of its work, long, or part of another column.
_NOISE = (
    "telemetry.",
    "thread.",
    "code.",
    "network.",
    "net.",
    "server.",
    "client.",
    "user_agent.",
    "exception.",
    "process.",
    "host.",
    "otel.",
    "asgi.",
    CORRELATION_ATTRIBUTE,
    SERVICE_NAME_ATTRIBUTE,
    "http.scheme",
    "http.host",
    "http.flavor",
    "http.server_name",
    "http.user_agent",
    "url.scheme",
    "url.query",
)


def select(attributes: Attributes, *, title: str = "") -> list[tuple[str, str]]:
    """Return the (key, value) texts to show: outcome codes, then attributes of the program, then those of libraries.

    Args:
        attributes: As sent.
        title: Beginning of the line. A value is omitted if it equals a word of the title, or ends with a path in it.
    """
    words = title.split()
    ranked = [(_rank(key), key) for key in attributes if not key.startswith(_NOISE)]
    chosen: dict[str, str] = {}
    for _, key in sorted(ranked, key=lambda pair: pair[0]):
        value = format_value(attributes[key])
        if key == "error.type" and value == chosen.get("status"):
            continue  # a failed HTTP request without an exception
        if key in _OUTCOMES or not _in_title(value, words):
            chosen.setdefault(_SHORT.get(key) or sanitize(key, 40), value)
    return list(chosen.items())


def _in_title(value: str, words: list[str]) -> bool:
    return any(value == word or (word.startswith("/") and value.endswith(word)) for word in words)


def format_all(attributes: Attributes) -> str:
    """Return all attributes as ``key=value`` under short names, in an order independent of the sender."""
    ranked = sorted(attributes, key=lambda key: (_rank(key), key))
    return "  ".join(f"{_SHORT.get(key) or sanitize(key, 40)}={format_value(attributes[key], 40)}" for key in ranked)


def _rank(key: str) -> int:
    if key in _OUTCOMES:
        return 0
    if key in _SHORT:
        return 2
    return 3 if key.startswith(_LIBRARY) else 1
