from __future__ import annotations

from dataclasses import dataclass

from flext_observability.settings.fields import Variable, setting, table
from flext_observability.settings.types import COUNT, MILLISECOND_INTERVAL, SECONDS, TEXT


@dataclass(frozen=True, kw_only=True)
class Two:
    plain: str = setting(TEXT, "A text.", default="x")
    delay: float = setting(SECONDS, "A time.", ("OTEL_DELAY", MILLISECOND_INTERVAL), default=1.0, unit="s")


@dataclass(frozen=True, kw_only=True)
class Three(Two):
    size: int = setting(COUNT, "A size.", "STRONGER", "FLEXT_OBSERVABILITY_SIZE", "OTEL_SIZE", default=1)


def test_rows_come_in_order_of_declaration_bases_first() -> None:
    assert list(table(Three)) == ["plain", "delay", "size"]


def test_a_row_says_what_was_declared() -> None:
    row = table(Two)["delay"]
    assert (row.name, row.kind, row.default, row.doc, row.unit, row.signal) == (
        "delay",
        SECONDS,
        1.0,
        "A time.",
        "s",
        "all",
    )


def test_the_variable_of_the_field_comes_first() -> None:
    own, foreign = table(Two)["delay"].variables
    assert own == Variable("FLEXT_OBSERVABILITY_DELAY")
    assert foreign == Variable("OTEL_DELAY", MILLISECOND_INTERVAL)


def test_a_row_may_put_stronger_variables_before_its_own() -> None:
    names = [variable.name for variable in table(Three)["size"].variables]
    assert names == ["STRONGER", "FLEXT_OBSERVABILITY_SIZE", "OTEL_SIZE"]
