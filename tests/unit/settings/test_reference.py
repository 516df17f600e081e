"""The settings page shows the field table; run this file to write it anew."""

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
from flext_observability.settings.unsupported_env import IGNORED

PAGE = Path(__file__).parents[3] / "docs/reference/settings.md"
TITLES: Mapping[type, str] = {
    GeneralFields: "General",
    OtlpFields: "OTLP",
    QueueFields: "Queues and metrics",
    LimitFields: "Limits",
    OperationsFields: "Alerts, health, doors, plug-ins",
}


def field_tables() -> str:
    return "\n".join(line for cls, title in TITLES.items() for line in table_of(cls, title))


def table_of(cls: type, title: str) -> Iterator[str]:
    yield from (f"\n### {title}\n", "| setting | kind | default | variables | what it is |", "|---|---|---|---|---|")
    for name in cls.__annotations__:
        row = FIELDS[name]
        names = ", ".join(f"`{each}`" for each in (row.name, *row.aliases))
        variables = "<br>".join(f"`{variable.name}`" for variable in row.variables)
        yield f"| {names} | {kind(row)} | {default(row)} | {variables} | {row.doc} |"


def kind(row: Field) -> str:
    if row.kind.name in {"word", "level"}:
        return row.kind.allowed
    return f"{row.kind.name}, {row.unit}" if row.unit and row.unit not in {"s", "1"} else row.kind.name


def default(row: Field) -> str:
    if row.default is None:
        return "no limit" if row.kind.name == "limit" else "–"
    if isinstance(row.default, tuple | dict):
        return f"`{','.join(cast('tuple[str, ...]', tuple(row.default)))}`" if row.default else "–"
    text = str(row.default).lower() if isinstance(row.default, bool) else str(row.default)
    return f"`{text}`" if text else "–"


def ignored_table() -> str:
    rows = [f"| `{name}` | {reason[0].upper()}{reason[1:]}. {fix}. |" for name, (reason, fix) in IGNORED.items()]
    return "\n".join(("\n| variable | reason |", "|---|---|", *rows))


def page() -> str:
    text = filled(PAGE.read_text(encoding="utf-8"), "fields", field_tables())
    return filled(text, "ignored", ignored_table())


def filled(text: str, mark: str, content: str) -> str:
    before, opening, rest = text.partition(f"<!-- {mark}: written by tests/unit/settings/test_reference.py -->\n")
    return f"{before}{opening}{content}\n\n{rest[rest.index(f'<!-- /{mark} -->') :]}"


def test_the_settings_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_field_is_in_one_table() -> None:
    assert [name for cls in TITLES for name in cls.__annotations__] == list(FIELDS)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
