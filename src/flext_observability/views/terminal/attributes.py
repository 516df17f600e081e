"""Attributes of a span, event or log record → the few that a person wants on one line, most useful first (pure)."""

from __future__ import annotations

from flext_observability.values.names import CORRELATION_ATTRIBUTE, SERVICE_NAME_ATTRIBUTE
from flext_observability.views.model import Attributes
from flext_observability.views.text import clean, format_value

# Attributes of the semantic conventions that say what happened, under shorter names.
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
_FIRST = frozenset(key for key, short in _SHORT.items() if short in ("status", "grpc status", "error"))
_LIBRARY = ("http.", "url.", "db.", "rpc.", "messaging.", "faas.", "cloud.", "aws.", "gen_ai.", "graphql.", "peer.")
# Where the code runs, not what it did; shown elsewhere, or long.
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


def useful(attributes: Attributes, *, title: str = "") -> list[tuple[str, str]]:
    """Return (key, value) texts worth a look: outcome codes, then the program's own attributes, then the libraries' ones.

    Args:
        attributes: As sent.
        title: What the line says already; a value that it contains as a word, or an address that ends with one, is left out.
    """
    words = title.split()
    ranked = [(_rank(key), key) for key in attributes if not key.startswith(_NOISE)]
    chosen: dict[str, str] = {}
    for _, key in sorted(ranked, key=lambda pair: pair[0]):
        value = format_value(attributes[key])
        if key in _FIRST or not _told(value, words):
            chosen.setdefault(_SHORT.get(key) or clean(key, 40), value)
    return list(chosen.items())


def _told(value: str, words: list[str]) -> bool:
    return any(value == word or (word.startswith("/") and value.endswith(word)) for word in words)


def all_short(attributes: Attributes) -> str:
    """Return every attribute as ``key=value``, under short names, in an order that does not depend on the sender's."""
    ranked = sorted(attributes, key=lambda key: (_rank(key), key))
    return "  ".join(f"{_SHORT.get(key) or clean(key, 40)}={format_value(attributes[key], 40)}" for key in ranked)


def _rank(key: str) -> int:
    if key in _FIRST:
        return 0
    if key in _SHORT:
        return 2
    return 3 if key.startswith(_LIBRARY) else 1
