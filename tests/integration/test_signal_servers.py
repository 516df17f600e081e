"""Servers and task queues that SIGTERM ends: all spans, metrics and log records of their processes arrive."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.backends.collector import Collector, collector
from tests.prefork import fetch, serving
from tests.programs import UNMEASURED, environment
from tests.waiting import eventually

REQUESTS = 19
APPLICATION = """
import logging, os
from opentelemetry import metrics, trace
from flext_observability import init_observability, traced

def start():
    init_observability(
        service_name="shop", console=False, traces_schedule_delay_seconds=60, logs_schedule_delay_seconds=60
    ).unwrap()
    trace.get_tracer("t").start_span("open")

if os.environ["START"] == "import":
    start()

def work():
    with traced("request"):
        metrics.get_meter("t").create_counter("requests").add(1)
        logging.getLogger("shop").warning("line")
    return str(os.getpid()).encode()

def wsgi(environ, start_response):
    body = work()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup" and os.environ["START"] == "lifespan":
                start()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = work()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""
UVICORN = ("uvicorn", "program:asgi", "--port", "{port}", "--log-level", "warning")
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "2", "--log-level", "warning")
SERVERS: dict[str, Sequence[str]] = {
    "uvicorn": UVICORN,
    "uvicorn workers": (*UVICORN, "--workers", "2"),
    "gunicorn sync": (*GUNICORN, "program:wsgi"),
    "gunicorn gthread": (*GUNICORN, "--worker-class", "gthread", "--threads", "4", "program:wsgi"),
    "gunicorn preload": (*GUNICORN, "--preload", "program:wsgi"),
    "gunicorn uvicorn": (*GUNICORN, "--worker-class", "uvicorn.workers.UvicornWorker", "program:asgi"),
}
CASES = [
    *((server, "import") for server in SERVERS),
    *((server, "lifespan") for server in ("uvicorn", "uvicorn workers", "gunicorn uvicorn")),
]


def total(received: Collector, name: str) -> int:
    """Return the sum over all processes of the last points of a counter."""
    found = {
        point.start_time_unix_nano: point.as_int
        for metric in received.metrics()
        if metric.name == name
        for point in metric.sum.data_points
    }
    return sum(found.values())


def names(received: Collector) -> list[str]:
    return [span.name for span in received.spans()]


@pytest.mark.parametrize(("server", "start"), CASES)
def test_all_items_of_a_server_arrive(server: str, start: str, tmp_path: Path) -> None:
    with collector() as received:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": received.url, "START": start}
        with serving(tmp_path, APPLICATION, SERVERS[server], **settings) as running:
            pids = {fetch(running.port) for _ in range(REQUESTS)}
        assert running.process.returncode in ({-15} if server == "uvicorn" else {0})
        eventually(lambda: names(received).count("request") == REQUESTS + 1)  # the first one finds the server ready
    assert total(received, "requests") == REQUESTS + 1
    assert [record.body.string_value for record in received.log_records()].count("line") == REQUESTS + 1
    assert names(received).count("open") >= (1 if "preload" in server else len(pids))
    outcomes = [each.value.string_value for span in received.spans() for each in span.attributes]
    # A worker may receive the signal before it has started telemetry.
    assert outcomes.count("aborted") + outcomes.count("abandoned") == names(received).count("open")
    assert outcomes.count("aborted") >= (1 if "preload" in server else len(pids))


TASKS = """
import os, sys
from celery import Celery
from opentelemetry import metrics
from flext_observability import init_observability, traced

app = Celery("program", broker="filesystem://")
folder = os.environ["FOLDER"]
app.conf.broker_transport_options = {
    "data_folder_in": folder, "data_folder_out": folder, "control_folder": folder + "/control"
}
app.conf.worker_hijack_root_logger = False
if "worker" in sys.argv:
    init_observability(service_name="shop", console=False, traces_schedule_delay_seconds=60).unwrap()

@app.task(ignore_result=True)
def work():
    with traced("task"):
        metrics.get_meter("t").create_counter("tasks").add(1)
    with open(folder + "/done.txt", "a") as file:
        file.write("x")
"""
COUNT = 30


@pytest.mark.parametrize("options", [(), ("--max-tasks-per-child=1",)], ids=["workers", "one task for each child"])
def test_all_items_of_celery_arrive(options: Sequence[str], tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(TASKS, encoding="utf-8")
    queue, python = tmp_path / "queue", sys.executable
    queue.mkdir()
    with collector() as received:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": received.url, "FOLDER": str(queue), "C_FORCE_ROOT": "1"}
        variables = environment({**settings, **UNMEASURED})
        send = f"import program\nfor _ in range({COUNT}): program.work.delay()"
        subprocess.run([python, "-c", send], cwd=tmp_path, env=variables, check=True, timeout=60)
        command = [python, "-m", "celery", "-A", "program", "worker", "-P", "prefork", "-c", "2", "-l", "error"]
        with subprocess.Popen([*command, *options], cwd=tmp_path, env=variables) as worker:
            done = queue / "done.txt"
            eventually(lambda: done.exists() and done.stat().st_size == COUNT, within_seconds=60)
            worker.terminate()
            assert worker.wait(60) == 0
    assert names(received).count("task") == COUNT
    assert total(received, "tasks") == COUNT
