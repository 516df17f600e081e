"""Ops pages with sample content, and requests to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flext_observability.domain.health_check import FlextHealthCheck
from flext_observability.domain.health_report import FlextHealthReport
from flext_observability.domain.result import FlextResult
from flext_observability.ops_server.answers import Answers
from flext_observability.ops_server.auth import Credentials
from flext_observability.ops_server.pages import OpsPages, Reply, Request

PAGE = b"orders_total 1\n" * 100
REPORT = FlextHealthReport(
    "degraded", ("db is degraded: slow",), (FlextHealthCheck(name="db", status="degraded", message="slow"),)
)


def metrics(accept: str) -> FlextResult[tuple[bytes, str]]:
    return FlextResult.ok((PAGE, "application/openmetrics-text" if "openmetrics" in accept else "text/plain"))


def health(probe: str | None) -> FlextResult[FlextHealthReport]:
    return FlextResult.ok(REPORT)


def status() -> FlextResult[Mapping[str, object]]:
    return FlextResult[Mapping[str, object]].ok({"queued": 3})


def pages(**parts: Any) -> OpsPages:
    defaults: dict[str, Any] = {
        "metrics": metrics,
        "health": health,
        "known_health": parts.get("health", health),
        "status": status,
        "credentials": Credentials,
    }
    return OpsPages(**defaults | parts)


def get(served: OpsPages, path: str, method: str = "GET", **headers: str) -> Reply:
    return Answers(served).answer(Request(method, path, **headers))


def header(reply: Reply, name: str) -> str | None:
    return dict(reply.headers).get(name)
