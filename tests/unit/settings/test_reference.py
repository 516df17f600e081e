"""The settings page lists the field table. Run this file to update it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from flext_observability.settings.config import FIELDS
from flext_observability.settings.fields import Field
from flext_observability.settings.table_general import GeneralFields
from flext_observability.settings.table_operations import OperationsFields
from flext_observability.settings.table_otlp import OtlpFields
from flext_observability.settings.table_signals import LimitFields, QueueFields
from flext_observability.settings.table_spool import SpoolFields
from flext_observability.settings.unsupported_env import UNSUPPORTED

PAGE = Path(__file__).parents[3] / "docs/reference/settings.md"
TITLES: Mapping[type, str] = {
    GeneralFields: "General",
    OtlpFields: "OTLP",
    QueueFields: "Queues and metrics",
    LimitFields: "Limits",
    OperationsFields: "Alerts, health, ops server, plug-ins",
    SpoolFields: "Spool",
}


def field_tables() -> str:
    return "\n".join(line for cls, title in TITLES.items() for line in table_of(cls, title))


def table_of(cls: type, title: str) -> Iterator[str]:
    yield from (f"\n### {title}\n", "| setting | type | default | variables | description |", "|---|---|---|---|---|")
    for name in cls.__annotations__:
        row = FIELDS[name]
        names = ", ".join(f"`{each}`" for each in (row.name, *row.aliases))
        variables = "<br>".join(f"`{variable.name}`" for variable in row.variables)
        yield f"| {names} | {type_name(row)} | {default(row)} | {variables} | {row.doc} |"


def type_name(row: Field) -> str:
    if row.type.name in {"word", "level"}:
        return row.type.allowed
    return f"{row.type.name}, {row.unit}" if row.unit else row.type.name


def default(row: Field) -> str:
    if row.default is None:
        return "no limit" if row.type.name == "limit" else "–"
    if isinstance(row.default, tuple | dict):
        return f"`{','.join(cast('tuple[str, ...]', tuple(row.default)))}`" if row.default else "–"
    text = str(row.default).lower() if isinstance(row.default, bool) else str(row.default)
    return f"`{text}`" if text else "–"


def unsupported_table() -> str:
    rows = [f"| `{name}` | {reason[0].upper()}{reason[1:]}. {fix}. |" for name, (reason, fix) in UNSUPPORTED.items()]
    return "\n".join(("\n| variable | reason |", "|---|---|", *rows))


def page() -> str:
    text = insert(PAGE.read_text(encoding="utf-8"), "fields", field_tables())
    return insert(text, "ignored", unsupported_table())


def insert(text: str, mark: str, content: str) -> str:
    before, opening, rest = text.partition(f"<!-- {mark}: written by tests/unit/settings/test_reference.py -->\n")
    return f"{before}{opening}{content}\n\n{rest[rest.index(f'<!-- /{mark} -->') :]}"


def test_settings_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_field_is_in_one_table() -> None:
    assert [name for cls in TITLES for name in cls.__annotations__] == list(FIELDS)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
