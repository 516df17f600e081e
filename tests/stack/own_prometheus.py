"""A Prometheus of a test: it scrapes one address in one format, and ends with its ``with`` block."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from monitoring.native.parts import PROMETHEUS
from monitoring.native.places import places_from
from tests.stack.clients import Prometheus, eventually

_CONFIGURATION = """\
global: {{scrape_interval: 1s, scrape_native_histograms: {native}}}
scrape_configs:
- job_name: page
  scrape_protocols: [{protocol}]
  metric_name_escaping_scheme: {escaping}
  static_configs: [{{targets: ["{target}"]}}]
"""


@contextmanager
def scraping(
    target: str, protocol: str, folder: Path, *, native: bool = False, escaping: str = "allow-utf-8"
) -> Iterator[Prometheus]:
    """Scrape ``host:port`` every second, in one of the formats of ``scrape_protocols``."""
    places = places_from()
    if not places.installed(PROMETHEUS):
        reason = "Prometheus is not installed: run `make stack-install`"
        if os.environ.get("FLEXT_STACK_REQUIRED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    configuration = folder / "prometheus.yml"
    text = _CONFIGURATION.format(native=str(native).lower(), protocol=protocol, target=target, escaping=escaping)
    configuration.write_text(text, encoding="utf-8")
    command = [
        str(places.program(PROMETHEUS, "prometheus")),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--enable-feature=exemplar-storage",
    ]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
        httpx.Client(base_url=f"http://{address}", timeout=15.0, trust_env=False) as http,
    ):
        try:
            eventually(lambda: _is_ready(http))
            yield Prometheus(http, folder)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def _is_ready(http: httpx.Client) -> bool:
    try:
        return http.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False
