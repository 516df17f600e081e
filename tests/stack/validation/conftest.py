"""Fixtures of the checks that need the programs of the stack, but no running stack."""

from __future__ import annotations

from tests.monitoring.validation.conftest import copy as copy_fixture

copy = copy_fixture
