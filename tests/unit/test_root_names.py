"""Every name of the root, used as its documentation says."""

from __future__ import annotations

import pytest

import flext_observability
from tests.unit.contracts import entities, rest, services, start
from tests.unit.contracts.table import CONTRACTS

MODULES = (entities, rest, services, start)


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_it_does_what_it_promises(name: str) -> None:
    CONTRACTS[name]()


def test_every_name_is_here_and_no_other() -> None:
    assert sorted(CONTRACTS) == sorted(flext_observability.__all__)
