"""Every public name of the package fulfils its contract."""

from __future__ import annotations

import pytest

import flext_observability
from tests.unit.contracts import entities, rest, services, start
from tests.unit.contracts.table import CONTRACTS

MODULES = (entities, rest, services, start)


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_a_name_fulfils_its_contract(name: str) -> None:
    CONTRACTS[name]()


def test_every_public_name_has_a_contract() -> None:
    assert sorted(CONTRACTS) == sorted(flext_observability.__all__)
