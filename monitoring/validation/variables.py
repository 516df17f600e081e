"""Query of a dashboard with `$variables` → query that a parser of the back end accepts, and unknown variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from monitoring.validation.documents import Document

_REFERENCE: Final = re.compile(
    r"\$\{(?P<braced>[A-Za-z_]\w*)(?:[.:][^}]*)?\}|\$(?P<plain>[A-Za-z_]\w*)|\[\[(?P<square>[A-Za-z_]\w*)(?::\w+)?\]\]"
)
_MACROS: Final[Mapping[str, str]] = {
    "__rate_interval": "1m",
    "__interval": "15s",
    "__interval_ms": "15000",
    "__range": "1h",
    "__range_s": "3600",
    "__range_ms": "3600000",
    "__from": "1700000000000",
    "__to": "1700003600000",
    "__auto": "1m",
    "__tags": 'a="b"',
}
_OBJECTS: Final = frozenset({"__span", "__trace", "__data", "__value", "__field", "__dashboard", "__user", "__org"})
_DURATION: Final = re.compile(r"(\[|:|\boffset\s*-?|\bstep=)\s*$")


def variables_of(document: Document) -> dict[str, str]:
    """Return the default value of each variable of a dashboard, empty if it has none."""
    found: dict[str, str] = {}
    for number in range(len(document.sequence("templating", "list"))):
        variable = document.mapping("templating", "list", number)
        current: Any = document.mapping("templating", "list", number, "current").get("value")
        found[str(variable.get("name", ""))] = current if isinstance(current, str) else ""
    return found


def unknown_variables(query: str, variables: Mapping[str, str]) -> list[str]:
    """Return the variables of a query that neither the dashboard nor Grafana defines."""
    names = (_name(match) for match in _REFERENCE.finditer(query))
    return [name for name in dict.fromkeys(names) if name not in {*variables, *_MACROS, *_OBJECTS}]


def without_variables(query: str, variables: Mapping[str, str]) -> str:
    """Return the query with a valid value in the place of each variable."""

    def replacement(match: re.Match[str]) -> str:
        name = _name(match)
        if name in _MACROS:
            return _MACROS[name]
        before = query[: match.start()]
        if before.count('"') % 2 or before.count("'") % 2 or before.count("`") % 2:
            return "x"
        if _DURATION.search(before):
            return "5m"
        value = variables.get(name, "")
        return value if re.fullmatch(r"[\w.:]+", value) else "x"

    return _REFERENCE.sub(replacement, query)


def _name(match: re.Match[str]) -> str:
    return match["braced"] or match["plain"] or match["square"]
