"""Fixtures for the stack of `make stack-up`: clients of its collector, Jaeger, Prometheus and VictoriaLogs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from monitoring.native.parts import COLLECTOR, JAEGER, PROMETHEUS, VICTORIALOGS, Part
from monitoring.native.places import REPOSITORY, Places, places_from
from monitoring.native.stack import statuses
from monitoring.native.targets import prometheus_folder
from tests.stack.clients import Collector, Jaeger, Prometheus, VictoriaLogs


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the fault tests, which run a stack of their own for minutes, unless an argument names them."""
    if collection_path.name == "faults" and not any("faults" in argument for argument in config.args):
        return True
    return None


@pytest.fixture(scope="session")
def stack() -> Places:
    """Return the addresses of the running stack. Without one, skip the test, or fail it if FLEXT_STACK_REQUIRED=1."""
    places = places_from()
    down = [f"{one.part.name} is {one.state}" for one in statuses(places) if one.state != "up"]
    if down:
        reason = f"the stack is not up ({', '.join(down)}): run `make stack-install stack-up`"
        if os.environ.get("FLEXT_STACK_REQUIRED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return places


@pytest.fixture(scope="session")
def collector(stack: Places) -> Iterator[Collector]:
    """Return the collector that receives the telemetry of applications."""
    with _client(stack, COLLECTOR, "metrics") as http:
        yield Collector(
            http_endpoint=f"http://{stack.address(COLLECTOR, 'otlp_http')}",
            grpc_endpoint=f"http://{stack.address(COLLECTOR, 'otlp_grpc')}",
            metrics=http,
            repository=REPOSITORY,
        )


@pytest.fixture(scope="session")
def jaeger(stack: Places) -> Iterator[Jaeger]:
    """Return the client of Jaeger."""
    with _client(stack, JAEGER, "http") as http:
        yield Jaeger(http)


@pytest.fixture(scope="session")
def prometheus(stack: Places) -> Iterator[Prometheus]:
    """Return the client of Prometheus."""
    with _client(stack, PROMETHEUS, "http") as http:
        yield Prometheus(http, prometheus_folder(stack) / "applications")


@pytest.fixture(scope="session")
def victorialogs(stack: Places) -> Iterator[VictoriaLogs]:
    """Return the client of VictoriaLogs."""
    with _client(stack, VICTORIALOGS, "http") as http:
        yield VictoriaLogs(http)


def _client(places: Places, part: Part, port: str) -> httpx.Client:
    # trust_env=False: a proxy of the environment must not be used for loopback.
    return httpx.Client(base_url=f"http://{places.address(part, port)}", timeout=15.0, trust_env=False)
