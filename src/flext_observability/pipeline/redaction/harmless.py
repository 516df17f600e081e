"""Values beside a secret name that are not secrets: placeholders, types, words of prose, references in code."""

from __future__ import annotations

from typing import Final

from flext_observability.pipeline.redaction.marker import is_marker
from flext_observability.values.lazy_pattern import lazy_pattern
from flext_observability.values.secret_names import is_secret_name

# ?, %s, %(name)s, $1, $NAME, ${NAME}, :name, @name, {name}, {{ name }}, <name>, ***, xxx, ….
_PLACEHOLDER: Final = lazy_pattern(
    r"\?|%s|%\(\w+\)s|\$\d+|\$\w+|\$\{[^}]*\}|:[a-z_]\w*|@\w+"
    r"|\{\{?[\s\w.!:]*\}?\}?|<[\w \-]*>|[*•.…_#-]+|[xX]{3,}|\[[A-Za-z]+\]",
)
_WORDS: Final = frozenset(
    {"none", "null", "nil", "true", "false", "undefined", "nan", "empty", "missing", "required", "invalid", "expired"}
    | {
        "incorrect",
        "wrong",
        "valid",
        "ok",
        "unset",
        "set",
        "not",
        "is",
        "are",
        "was",
        "must",
        "should",
        "cannot",
        "can",
    }
    | {"has", "have", "does", "did", "do", "the", "a", "an", "and", "or", "for", "from", "to", "in", "of", "with", "by"}
    | {"hidden", "masked", "redacted", "removed", "omitted", "filtered", "secret", "changed", "reset", "updated"}
    | {"optional", "string", "str", "int", "integer", "bytes", "bool", "boolean", "any", "object", "text", "varchar"}
    | {
        "secretstr",
        "var",
        "self",
        "this",
        "new",
        "await",
        "no",
        "yes",
        "too",
        "unexpected",
        "unknown",
        "failed",
        "please",
    }
    | {
        "lambda",
        "type",
        "value",
        "field",
        "unauthorized",
        "forbidden",
        "denied",
        "revoked",
        "rotated",
        "bearer",
        "basic",
    }
    | {"token", "password", "enter", "your", "see", "use", "send", "it", "per", "if", "when", "on", "as", "at", "you"}
    | {"basic", "please", "cannot", "!vault", "!secret", "!ref", "!sub", "!env"}
)
_CALL: Final = lazy_pattern(r"[A-Za-z_][\w.]*[(\[].*")
_REFERENCE: Final = lazy_pattern(r"[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)*")
_ROOTS: Final = frozenset(
    {"self", "this", "cls", "os", "settings", "config", "conf", "env", "request", "req", "args", "options", "process"}
    | {
        "ctx",
        "context",
        "user",
        "params",
        "props",
        "state",
        "data",
        "body",
        "form",
        "secrets",
        "new",
        "old",
        "excluded",
    }
)
_PROSE: Final = lazy_pattern(r"[A-Z]?[a-z'’-]+[.!?,:]?")


def is_harmless(value: str, after: str, *, quoted: bool, spaced: bool) -> bool:
    """Return whether a value beside a secret name is not a secret.

    Args:
        value: The value, without quotes.
        after: The text after it.
        quoted: Whether it is in quotes.
        spaced: Whether blanks are before it, as in prose and code.
    """
    if not value or is_marker(value) or _PLACEHOLDER.fullmatch(value):
        return True
    word = value.rstrip(".!?:…").lower()
    if word in _WORDS:
        # Of a value in quotes: only words that stand for the absence of a value, or for a type.
        return not quoted or not after.startswith("-")
    if quoted:
        return False
    return _is_code(value, after, spaced=spaced) or (spaced and _is_prose(value, after))


def _is_code(value: str, after: str, *, spaced: bool) -> bool:
    """Return whether a value is a call, a constant or a variable of code."""
    if _CALL.fullmatch(value) or after.startswith(("(", "[")):
        return True
    if not _REFERENCE.fullmatch(value):
        return False
    root, dot, _ = value.partition(".")
    if dot and root.lower() in _ROOTS:
        return True
    # `next_token = page_token`, `a.token = b.token`: a name of a secret, not the secret itself.
    return not any(map(str.isdigit, value)) and is_secret_name(value) and (spaced or "." in value or "_" in value)


def _is_prose(value: str, after: str) -> bool:
    """Return whether a value is a word that other words follow on its line: ``password: choose a new one``."""
    line = after.lstrip(".,;:!?'\"").partition("\n")[0]
    following = line.split(maxsplit=2)[:2]
    return bool(following) and all(map(_PROSE.fullmatch, (value, *following)))
