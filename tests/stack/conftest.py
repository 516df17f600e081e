"""Fixtures for the stack of `make monitoring-setup`: clients of its collector, Jaeger, Prometheus and VictoriaLogs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from monitoring.control.choice import choose_engine
from monitoring.control.engine import Engine
from monitoring.control.probes import probe
from monitoring.native.parts import COLLECTOR, JAEGER, PROMETHEUS, VICTORIALOGS, Part
from monitoring.native.places import Places
from monitoring.native.targets import prometheus_folder
from tests.stack.clients import Collector, Jaeger, Prometheus, VictoriaLogs


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the fault tests, which run a stack of their own for minutes, unless an argument names them."""
    if collection_path.name == "faults" and not any("faults" in argument for argument in config.args):
        return True
    return None


@pytest.fixture(scope="session")
def engine() -> Engine:
    """Return Docker or the native runner, with a running stack. Without one, skip the test, or fail it if required."""
    chosen, _ = choose_engine()
    states = [one for one in chosen.states() if not one.optional]
    down = [f"{one.part.name} is {one.detail}" for one in states if not (one.running and probe(one.health_url).healthy)]
    if down:
        reason = f"the stack is not up ({', '.join(down)}): run `make monitoring-setup`"
        if os.environ.get("FLEXT_STACK_REQUIRED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return chosen


@pytest.fixture(scope="session")
def stack(engine: Engine) -> Places:
    """Return the addresses of the running stack. Without one, skip the test, or fail it if FLEXT_STACK_REQUIRED=1."""
    return engine.places


@pytest.fixture(scope="session")
def collector(stack: Places, engine: Engine) -> Iterator[Collector]:
    """Return the collector that receives the telemetry of applications."""
    with _client(stack, COLLECTOR, "metrics") as http:
        yield Collector(
            http_endpoint=f"http://{stack.address(COLLECTOR, 'otlp_http')}",
            grpc_endpoint=f"http://{stack.address(COLLECTOR, 'otlp_grpc')}",
            metrics=http,
            engine=engine,
        )


@pytest.fixture(scope="session")
def jaeger(stack: Places) -> Iterator[Jaeger]:
    """Return the client of Jaeger."""
    with _client(stack, JAEGER, "http") as http:
        yield Jaeger(http)


@pytest.fixture(scope="session")
def prometheus(stack: Places, engine: Engine) -> Iterator[Prometheus]:
    """Return the client of Prometheus. In a container it cannot scrape pages on 127.0.0.1 of this machine."""
    applications = prometheus_folder(stack) / "applications" if engine.name == "native" else None
    with _client(stack, PROMETHEUS, "http") as http:
        yield Prometheus(http, applications)


@pytest.fixture(scope="session")
def victorialogs(stack: Places) -> Iterator[VictoriaLogs]:
    """Return the client of VictoriaLogs."""
    with _client(stack, VICTORIALOGS, "http") as http:
        yield VictoriaLogs(http)


def _client(places: Places, part: Part, port: str) -> httpx.Client:
    # trust_env=False: a proxy of the environment must not be used for loopback.
    return httpx.Client(base_url=f"http://{places.address(part, port)}", timeout=15.0, trust_env=False)
