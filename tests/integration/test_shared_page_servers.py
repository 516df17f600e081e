"""One metrics page for the workers of gunicorn and uvicorn, under load, while workers are killed and replaced."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.backends.ports import free_port
from tests.prefork import Load, Server, fetch, kill, sample, serving
from tests.waiting import eventually

LAST_SECONDS = 1.5  # a snapshot is written every second; the rest is for a busy machine

WSGI = """
import os
from flext_observability import init_observability, ops_wsgi_app, traced

handle = init_observability(service_name="shop", exporters="memory").unwrap()
requests = handle.metrics.counter("requests")
sizes = handle.metrics.histogram("sizes", bounds=[1, 10, 100])
ops = ops_wsgi_app()


def app(environ, start_response):
    if environ["PATH_INFO"] == "/metrics":
        return ops(environ, start_response)
    with traced("request"):
        requests.add(1)
        sizes.record(5)
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""

ASGI = """
import os
from flext_observability import get_observability, init_observability, ops_asgi_app, traced

handle = init_observability(service_name="shop", exporters="memory").unwrap()
requests = handle.metrics.counter("requests")
sizes = handle.metrics.histogram("sizes", bounds=[1, 10, 100])
ops = ops_asgi_app()


async def app(scope, receive, send):
    if scope["type"] == "lifespan" or scope["path"] == "/metrics":
        await ops(scope, receive, send)
        return
    with traced("request"):
        requests.add(1)
        sizes.record(5)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
"""
OPS = """
import os
from flext_observability import init_observability

handle = init_observability(service_name="shop", exporters="prometheus").unwrap()
requests = handle.metrics.counter("requests")


def app(environ, start_response):
    requests.add(1)
    body = f"{os.getpid()} {handle.status()['metrics'].state} {handle.ops_address}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""
GUNICORN = ["gunicorn", "-w", "4", "-b", "127.0.0.1:{port}", "--threads", "2", "--no-control-socket", "program:app"]
UVICORN = ["uvicorn", "--workers", "4", "--port", "{port}", "--log-level", "warning", "program:app"]


def check(server: Server, load: Load, killed: int, killed_at: float) -> None:
    """Check the totals: exact, but for the last second of the killed worker; and never lower than before."""
    page = fetch(server.port, "/metrics")
    total = sample(page, "requests_total")
    answered = len(load.answered) + 1  # the first request, of `serving`
    lost = sum(pid == killed and killed_at - when < LAST_SECONDS for when, pid in load.answered)
    assert answered - lost <= total <= answered + len(load.failed), (answered, lost, total, load.failed[:3])
    assert sample(page, 'sizes_bucket{le="10.0"}') in {0.0, total}
    assert abs(sample(page, "sizes_count") - total) <= lost
    for name in ("requests_total", "sizes_count", "sizes_sum"):
        values = [sample(each, name) for each in [*load.pages, page]]
        assert values == sorted(values), name
    assert page.count("# {trace_id=") >= 2
    assert page.count("\ntarget_info{") == 1
    assert len(load.pages) > 10


@pytest.mark.parametrize(("command", "source"), [(GUNICORN, WSGI), (UVICORN, ASGI)], ids=["gunicorn", "uvicorn"])
def test_totals_of_all_workers_are_exact(command: list[str], source: str, tmp_path: Path) -> None:
    with serving(tmp_path, source, command) as server:
        load = Load(server.port)
        with load.running():
            time.sleep(2)
            killed = load.processes().most_common(1)[0][0]
            kill(killed)
            killed_at = time.monotonic()
            time.sleep(1)
            for number in (signal.SIGTTIN, signal.SIGTTOU, signal.SIGHUP):
                server.signal(number)
                time.sleep(1.5)
            time.sleep(2)
        assert len(load.processes()) > 4
        check(server, load, killed, killed_at)
    assert "Traceback" not in server.log.read_text()


def _scrape(port: int) -> float:
    try:
        return sample(fetch(port, "/metrics"), "requests_total")
    except OSError:
        return 0.0  # between two workers


def test_another_worker_follows_the_one_that_serves_the_port(tmp_path: Path) -> None:
    ops = free_port()
    command = ["gunicorn", "-w", "3", "-b", "127.0.0.1:{port}", "--no-control-socket", "--max-requests", "10"]
    settings = {"FLEXT_OBSERVABILITY_PROMETHEUS_PORT": str(ops)}
    with serving(tmp_path, OPS, [*command, "program:app"], **settings) as server:
        answers = [fetch(server.port).split(" ")]  # the first one, in `serving`, counts too
        owners = {answers[0][0]} if answers[0][2] else set[str]()
        values: list[float] = []
        while len(owners) < 4:  # the last one is the successor of a killed worker
            answers.append(fetch(server.port).split(" "))
            pid, state, address = answers[-1]
            assert state == "active"
            if address and pid not in owners:
                owners.add(pid)
                values.append(eventually(lambda: _scrape(ops), within_seconds=10))
                kill(int(pid))
                # Another worker listens within about a second.
                values.append(eventually(lambda: _scrape(ops), within_seconds=15, every_seconds=0.05))
        assert values == sorted(values)
        total = eventually(lambda: _scrape(ops), within_seconds=10)
        assert len(answers) - 4 * 10 <= total <= len(answers) + 1
