"""Destination of paced programs: the real OpenTelemetry Collector if it is built, else a receiver on loopback."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.measure import ROOT, clean_environment
from monitoring.native.parts import COLLECTOR
from monitoring.native.places import places_from

START_SECONDS: Final = 30.0
SETTLE_SECONDS: Final = 0.4
_METRICS: Final = {
    "traces": "otelcol_receiver_accepted_spans",
    "logs": "otelcol_receiver_accepted_log_records",
}
# The collector only counts: the exporter writes nothing at this log level.
_CONFIGURATION: Final = """
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:{otlp}
exporters:
  debug:
    verbosity: basic
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [debug]}}
    logs: {{receivers: [otlp], exporters: [debug]}}
    metrics: {{receivers: [otlp], exporters: [debug]}}
  telemetry:
    logs:
      level: error
    metrics:
      level: normal
      readers:
        - pull:
            exporter:
              prometheus:
                host: 127.0.0.1
                port: {metrics}
"""


@dataclass(frozen=True, slots=True)
class Destination:
    """Running receiver.

    Attributes:
        name: Name and version, for the results.
        address: Base address of OTLP/HTTP.
        counts: Returns the items received so far, by signal.
    """

    name: str
    address: str
    counts: Callable[[], Mapping[str, int]]

    def settled(self) -> Mapping[str, int]:
        """Return the counts once they do not change for a moment."""
        counts = self.counts()
        while True:
            time.sleep(SETTLE_SECONDS)
            if (now := self.counts()) == counts:
                return counts
            counts = now


@contextmanager
def destination() -> Iterator[Destination]:
    """Start the collector on free ports of loopback, or the receiver of this package, and stop it at the end."""
    program = places_from().program(COLLECTOR, "otelcol")
    program = program if program.is_file() else _any_version(program)
    with tempfile.TemporaryDirectory() as folder:
        if not program.is_file():
            command, name = (
                [sys.executable, "-m", "benchmarks.receiver"],
                "receiver of benchmarks/ (no collector built)",
            )
            with _process(command) as process:
                address = (process.stdout.readline() if process.stdout else "").strip()
                yield Destination(name, address, lambda: json.loads(_get(f"{address}/")))
            return
        otlp, metrics = _free_ports(2)
        configuration = Path(folder) / "collector.yaml"
        configuration.write_text(_CONFIGURATION.format(otlp=otlp, metrics=metrics))
        with _process([str(program), "--config", str(configuration)]) as process:
            yield _collector(process, otlp, metrics)


def _any_version(program: Path) -> Path:
    """Return the binary of another build recipe if there is one."""
    found = sorted(program.parent.parent.glob("collector-*/otelcol"))
    return found[-1] if found else program


def _collector(process: subprocess.Popen[str], otlp: int, metrics: int) -> Destination:
    page = f"http://127.0.0.1:{metrics}/metrics"
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _get(page)
            break
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the collector does not start; its output is above") from error
            time.sleep(0.1)
    return Destination(f"OpenTelemetry Collector {COLLECTOR.version}", f"http://127.0.0.1:{otlp}", lambda: _parse(page))


def _parse(page: str) -> Mapping[str, int]:
    text = _get(page).decode()
    return {
        signal: sum(
            int(float(value)) for value in re.findall(rf"^{metric}(?:_total)?(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        )
        for signal, metric in _METRICS.items()
    }


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command, cwd=ROOT, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as reply:
        body: bytes = reply.read()
    return body
