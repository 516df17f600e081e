from __future__ import annotations

import pytest

from flext_observability.domain.declaration import Declarations, DeclaredInstrument, nearest, suggest

OWN, OTHER = DeclaredInstrument("shop.orders", "counter"), DeclaredInstrument("shop.orders", "gauge")


@pytest.mark.parametrize(
    ("name", "known", "fix"),
    [
        ("shop.order", ["shop.orders", "shop.stock"], "Use 'shop.orders'"),
        ("x", ["shop.orders", "shop.stock"], "Use one of 'shop.orders', 'shop.stock'"),
        ("x", [f"shop.{number}" for number in range(9)], ""),
        ("x", [], ""),
    ],
)
def test_the_nearest_name_or_all_of_a_few_are_suggested(name: str, known: list[str], fix: str) -> None:
    assert suggest(name, known) == fix


def test_only_a_similar_name_is_near() -> None:
    assert nearest("outcom", ["product", "outcome"]) == "outcome"
    assert nearest("shop", ["product", "outcome"]) == ""


def test_an_instrument_of_the_program_precedes_one_of_the_library() -> None:
    declared = Declarations("shop", {"shop.orders": OWN}, {"shop.orders": OTHER, "flext.alerts": OTHER})
    assert declared.find("shop.orders") is OWN
    assert declared.find("flext.alerts") is OTHER
    assert declared.find("x") is None
