"""CPU time of the client for POST requests of 50 KB, compared with ``requests.Session`` (G19)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from benchmarks.measure import ROOT, clean_environment, interleave
from benchmarks.readings import Reading, Settings, reading
from flext_observability.values.endpoint import parse_endpoint
from flext_observability.wire.http.client import HttpTransport
from flext_observability.wire.http.target import http_target

POSTS = 100
BODY = os.urandom(50_000)
HEADERS = {"Content-Type": "application/x-protobuf", "User-Agent": "bench"}


def posts(settings: Settings) -> list[Reading]:
    """Send the same body over kept-alive connections to a server in another process."""
    with loopback_receiver() as url:
        transport = HttpTransport(http_target(parse_endpoint(url), headers=HEADERS))
        session = requests.Session()

        def ours(count: int) -> None:
            for _ in range(count):
                if transport.post(BODY, timeout_seconds=10).status != 200:
                    raise RuntimeError("the receiver rejects a request")

        def theirs(count: int) -> None:
            for _ in range(count):
                session.post(url, data=BODY, headers=HEADERS, timeout=10).raise_for_status()

        rounds = interleave({"ours": ours, "theirs": theirs}, settings.operations(POSTS), settings.rounds)
        transport.close()
    return [reading("G19", rounds.ratio("theirs", "ours"), rounds.best("ours"), rounds.best("theirs"))]


@contextmanager
def loopback_receiver() -> Iterator[str]:
    """Start ``benchmarks.receiver``, which counts nothing here, and yield the address of its traces."""
    command = [sys.executable, "-m", "benchmarks.receiver"]
    with subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"{process.stdout.readline().strip() if process.stdout else ''}/raw"
        finally:
            process.terminate()
