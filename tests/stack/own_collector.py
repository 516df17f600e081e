"""A collector of a test, with overlays. It sends to the back ends of the running stack."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from monitoring.control.choice import choose_engine
from monitoring.control.native import NativeEngine
from monitoring.native.overlays import overlay_words
from monitoring.native.parts import COLLECTOR
from monitoring.native.places import REPOSITORY, Places
from tests.stack.clients import Collector, eventually

_OFFSET = 12500
"""Distance to the ports of the running stack."""


@contextmanager
def own_collector(stack: Places, folder: Path, variables: Mapping[str, str]) -> Iterator[Collector]:
    """Run a collector with the overlays and other settings of `variables`."""
    assert COLLECTOR.run is not None
    if not stack.installed(COLLECTOR) or choose_engine()[0].name != "native":
        pytest.skip("a second collector needs the native stack (make stack-install stack-up)")
    own = Places(cache=stack.cache, state=folder, port_offset=stack.port_offset + _OFFSET)
    settings = {
        name: (own if name.startswith("COLLECTOR_") else stack).fill(COLLECTOR, template)
        for name, template in COLLECTOR.run.environment.items()
    }
    words = [str(own.program(COLLECTOR, "otelcol")), "--config", str(REPOSITORY / "otel-collector.yaml")]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [*words, *overlay_words(REPOSITORY, variables)],
            env=dict(os.environ) | settings | dict(variables),
            stdout=log,
            stderr=log,
        ) as process,
        httpx.Client(base_url=f"http://{own.address(COLLECTOR, 'metrics')}", timeout=15.0, trust_env=False) as metrics,
    ):
        try:
            eventually(lambda: _is_ready(own.health_url(COLLECTOR)))
            yield Collector(
                http_endpoint=f"http://{own.address(COLLECTOR, 'otlp_http')}",
                grpc_endpoint=f"http://{own.address(COLLECTOR, 'otlp_grpc')}",
                metrics=metrics,
                engine=NativeEngine(own),
            )
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
