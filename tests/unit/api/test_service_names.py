from __future__ import annotations

from typing import Any

import pytest

import flext_observability
from flext_observability import FlextContainer, FlextObservabilityServices


@pytest.mark.parametrize("name", ["Metrics", "Tracing", "Alert", "Health", "Logging"])
def test_each_service_has_a_short_name_and_is_made_with_and_without_a_container(name: str) -> None:
    service: Any = getattr(FlextObservabilityServices, f"{name}Service")
    assert service is getattr(flext_observability, f"Flext{name}Service")
    assert isinstance(service(), service)
    assert isinstance(service(FlextContainer()), service)
