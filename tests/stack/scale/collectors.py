"""Processes of native collectors with the shipped tier files: start, kill, own metrics."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import pytest

from monitoring.native.parts import COLLECTOR, Part
from monitoring.native.places import REPOSITORY, places_from
from tests.backends.ports import free_port
from tests.stack.clients import eventually

TIERS: Final = REPOSITORY / "monitoring" / "scale" / "tiers"
SAMPLER_HOST: Final = "otel-sampler"


def program(part: Part, name: str) -> str:
    """Return the path of a native program. Without it, skip the test, or fail it if FLEXT_STACK_REQUIRED=1."""
    places = places_from()
    if not places.installed(part):
        unavailable(f"{part.name} is not installed: run `make stack-install`")
    return str(places.program(part, name))


def unavailable(reason: str) -> None:
    """Skip the test, or fail it if FLEXT_STACK_REQUIRED=1."""
    if os.environ.get("FLEXT_STACK_REQUIRED") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(slots=True)
class Tier:
    """One collector process, which keeps its ports and its queue when it is started again.

    Attributes:
        name: Value of HOSTNAME, which identifies the process in metrics.
        files: Names of the tier files.
        folder: Queue and log.
        environment: Variables of the files.
        host: Loopback address of all ports.
        otlp_port: Port of the OTLP receiver over gRPC, or 0 for any free one.
        hosts_file: File that replaces /etc/hosts for this process, as the names of a cluster would.
    """

    name: str
    files: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    host: str = "127.0.0.1"
    otlp_port: int = 0
    hosts_file: Path | None = None
    _metrics_port: int = field(default_factory=free_port)
    _health_port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Address of the OTLP receiver."""
        return f"{self.host}:{self.otlp_port}"

    @property
    def pid(self) -> int:
        """Process id of the started collector."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the process. `wait_until_ready` waits for it."""
        self.otlp_port = self.otlp_port or free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        otelcol = program(COLLECTOR, "otelcol")
        argv = [otelcol, *(word for name in self.files for word in ("--config", str(TIERS / f"{name}.yaml")))]
        own = {
            "HOSTNAME": self.name,
            "COLLECTOR_OTLP_GRPC_ENDPOINT": self.address,
            "COLLECTOR_OTLP_HTTP_ENDPOINT": f"{self.host}:{free_port()}",
            "COLLECTOR_METRICS_HOST": self.host,
            "COLLECTOR_METRICS_PORT": str(self._metrics_port),
            "COLLECTOR_HEALTH_ENDPOINT": f"{self.host}:{self._health_port}",
            "COLLECTOR_QUEUE_DIRECTORY": str(self.folder / "queue"),
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        if self.hosts_file is not None:
            argv = [*own_hosts(self.hosts_file), *argv]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                argv, env=clean | own | dict(self.environment), stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def wait_until_ready(self) -> None:
        """Wait for the health page."""
        eventually(self._is_ready, within_seconds=30.0)

    def kill(self) -> None:
        """Kill the process, as `kill -9` does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Terminate the process, and wait until it has drained."""
        self._end(signal.SIGTERM)

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of the collector's own series with this name and these labels."""
        page = httpx.get(f"http://{self.host}:{self._metrics_port}/metrics", trust_env=False, timeout=10.0).text
        pattern = re.compile(rf"^otelcol_{name}(?:_total)?(?:\{{(.*)\}})? (\S+)$", re.MULTILINE)
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(float(value) for found, value in pattern.findall(page) if all(one in found for one in wanted))

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()[-3000:]
        try:
            url = f"http://{self.host}:{self._health_port}/"
            return httpx.get(url, trust_env=False, timeout=2.0).status_code == 200
        except httpx.TransportError:
            return False

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)


@contextmanager
def running(*tiers: Tier) -> Iterator[None]:
    """Start collectors, wait until all are ready, and stop them at the end, the first ones first."""
    try:
        for tier in tiers:
            tier.start()
        for tier in tiers:
            tier.wait_until_ready()
        yield
    finally:
        for tier in tiers:
            tier.stop()


def own_hosts(hosts_file: Path) -> list[str]:
    """Return the words before a command that gives it a file as /etc/hosts, in a mount namespace of its own."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'
    return ["unshare", *user, "--mount", "sh", "-c", script, "sh", str(hosts_file)]


def require_own_hosts(hosts_file: Path) -> None:
    """Skip the test where a process cannot have its own hosts file, which gives the samplers one name."""
    try:
        trial = subprocess.run(
            [*own_hosts(hosts_file), "true"], capture_output=True, text=True, check=False, timeout=10
        )
        reason = trial.stderr.strip() if trial.returncode else ""
    except OSError as error:
        reason = str(error)
    if reason:
        pytest.skip(f"the resolver of the routers needs `unshare --mount`, which failed: {reason}")
