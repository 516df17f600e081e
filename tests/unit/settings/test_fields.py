from __future__ import annotations

from dataclasses import dataclass

from flext_observability.settings.fields import Variable, field_table, setting
from flext_observability.settings.types import COUNT, MILLISECOND_INTERVAL, SECONDS, TEXT


@dataclass(frozen=True, kw_only=True)
class Two:
    plain: str = setting(TEXT, "A text.", default="x")
    delay: float = setting(SECONDS, "A time.", ("OTEL_DELAY", MILLISECOND_INTERVAL), default=1.0, unit="beats")


@dataclass(frozen=True, kw_only=True)
class Three(Two):
    size: int = setting(COUNT, "A size.", "OLDER", "FLEXT_OBSERVABILITY_SIZE", "OTEL_SIZE", default=1)


def test_rows_are_in_order_of_declaration_bases_first() -> None:
    assert list(field_table(Three)) == ["plain", "delay", "size"]


def test_row_has_the_declared_values() -> None:
    row = field_table(Two)["delay"]
    assert (row.name, row.type, row.default, row.doc, row.unit, row.signal) == (
        "delay",
        SECONDS,
        1.0,
        "A time.",
        "beats",
        "all",
    )


def test_variable_of_the_field_is_first() -> None:
    own, foreign = field_table(Two)["delay"].variables
    assert own == Variable("FLEXT_OBSERVABILITY_DELAY")
    assert foreign == Variable("OTEL_DELAY", MILLISECOND_INTERVAL)


def test_variables_may_precede_that_of_the_field() -> None:
    names = [variable.name for variable in field_table(Three)["size"].variables]
    assert names == ["OLDER", "FLEXT_OBSERVABILITY_SIZE", "OTEL_SIZE"]
