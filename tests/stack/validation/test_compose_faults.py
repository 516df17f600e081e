"""Faults of the compose file, found by Docker Compose."""

from __future__ import annotations

import pytest

from tests.monitoring.validation.copies import Copy
from tests.stack.validation.cases import Case

COMPOSE = "docker-compose.monitoring.yml"

CASES = (
    Case(COMPOSE, "mem_limit: 2g", "mem_limt: 2g", 'the setting "mem_limt" does not exist', "Correct its name"),
    Case(COMPOSE, "mem_limit: 2g", "mem_limit: lots", "invalid size", "Correct the value"),
    Case(COMPOSE, "JAEGER_TAG", "JAGER_TAG", "the variable JAGER_TAG has no value", "Add JAGER_TAG=TAG to .env"),
    Case(COMPOSE, "[jaeger, prometheus", "[jager, prometheus", "services has no jager", 'Use "jaeger"'),
    Case(COMPOSE, "- jaeger-data:/var", "- jaegr-data:/var", "volumes has no jaegr-data", 'Use "jaeger-data"'),
    Case(COMPOSE, "127.0.0.1:9093:9093", "127.0.0.1:9093:x", "invalid containerPort", "Correct the entry"),
    Case(COMPOSE, "interval: 10s", "interval: soon", "invalid duration", "Correct the value"),
    Case(COMPOSE, "secrets: [grafana-admin-password]", "secrets: [grafana-adm]", "secret", "grafana-admin-password"),
    Case(COMPOSE, "cap_drop: [ALL]", "cap_drop: ALL", "must be a", "Correct the value"),
    Case(COMPOSE, "services:\n", "servces:\n", "'servces' not allowed", "Correct the entry"),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_has_line_and_fix(copy: Copy, case: Case) -> None:
    case.check(copy, f"{COMPOSE} with")


def test_a_service_of_a_profile_is_checked_with_that_profile(copy: Copy) -> None:
    line = copy.change(COMPOSE, "profiles: [scale]", "profiles: [scale]\n    cpuss: 1") + 1
    for title in ("with profile scale", "with all profiles"):
        (fault,) = copy.faults(title)
        assert fault.line == line


def test_missing_secrets_are_not_a_fault_of_the_compose_file(copy: Copy) -> None:
    for path in copy.path("monitoring/secrets").iterdir():
        path.unlink()
    assert copy.faults(COMPOSE) == []
