"""`python -m examples.shop` as run by a user: its report, the received telemetry, and no remaining processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from examples.shop.read_api import metric_from_json, trace_from_json
from flext_observability.views.model import LogView, MetricView, SpanView, TraceView
from tests.backends.collector import collector
from tests.backends.ports import refusing_port
from tests.programs import environment
from tests.waiting import eventually

pytestmark = pytest.mark.any_sdk

REPOSITORY = Path(__file__).resolve().parents[2]
REQUESTS = 16
QUICK = ("--seconds", "1", "--requests", str(REQUESTS))
UNUSED_PORT_OFFSET = "29000"  # no stack runs there, so that a running one has no effect
SERVICES = {"gateway", "orders", "payments", "inventory"}


@dataclass(frozen=True, slots=True)
class Run:
    """A run that sent its telemetry to the viewer of the test."""

    report: dict[str, Any]
    output: str
    traces: dict[str, TraceView]
    metrics: list[MetricView]

    def spans(self, trace_id: str) -> list[SpanView]:
        """Return the spans of a trace."""
        return list(self.traces[trace_id].spans)

    @property
    def logs(self) -> list[LogView]:
        """Log records of all traces."""
        return [log for trace in self.traces.values() for log in trace.logs]


def start(*arguments: str, **settings: str) -> subprocess.Popen[str]:
    """Start the demo in its own process group, as a shell does, with these environment variables."""
    return subprocess.Popen(
        [sys.executable, "-m", "examples.shop", *arguments],
        cwd=REPOSITORY,
        env=environment({"CI": "true", "FLEXT_STACK_PORT_OFFSET": UNUSED_PORT_OFFSET, **settings}),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


@contextmanager
def viewer(folder: Path) -> Generator[str]:
    """Run a viewer during the ``with`` block. Yields its address."""
    ready = folder / "address"
    command = [sys.executable, "-m", "flext_observability.viewer", "--port", "0", "--quiet", "--ready-file", str(ready)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as process:
        try:
            assert eventually(ready.exists, within_seconds=30)
            yield ready.read_text(encoding="utf-8").strip()
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("demo")
    with viewer(folder) as address, httpx.Client(base_url=address, trust_env=False) as http:
        with start(*QUICK, "--to", address, "--report", str(folder / "report.json")) as demo:
            output, _ = demo.communicate(timeout=60)
        assert demo.returncode == 0, output
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        ids = [row["trace_id"] for row in http.get("/api/traces").json()["traces"]]
        traces = {trace_id: trace_from_json(http.get(f"/api/traces/{trace_id}").json()) for trace_id in ids}
        metrics = [metric_from_json(point) for point in http.get("/api/metrics").json()["metrics"]]
        yield Run(report, output, traces, metrics)


def test_every_checkout_is_one_trace_of_four_services(run: Run) -> None:
    assert set(run.traces) == set(run.report["correlation_ids"])
    assert len(run.traces) == run.report["requests"] == REQUESTS
    for trace in run.traces.values():
        assert {span.service for span in trace.spans} == SERVICES
        known = {span.span_id for span in trace.spans}
        assert [span.name for span in trace.spans if span.parent_id not in known] == ["POST /checkout"]


def test_spans_of_a_sold_checkout_have_right_parents_kinds_and_statuses(run: Run) -> None:
    spans = run.spans(run.report["good_trace"])
    names = {span.span_id: f"{span.service} {span.name}" for span in spans}
    found = Counter((names[span.span_id], span.kind, span.status, names.get(span.parent_id)) for span in spans)
    assert found == {
        ("gateway POST /checkout", "server", "unset", None): 1,
        ("gateway POST", "client", "unset", "gateway POST /checkout"): 1,
        ("orders POST /orders", "server", "unset", "gateway POST"): 1,
        ("orders place order", "internal", "unset", "orders POST /orders"): 1,
        ("orders POST", "client", "unset", "orders place order"): 2,
        ("inventory POST /reservations", "server", "unset", "orders POST"): 1,
        ("inventory UPDATE goods", "client", "unset", "inventory POST /reservations"): 1,
        ("payments POST /charges", "server", "unset", "orders POST"): 1,
        ("payments authorize card", "internal", "unset", "payments POST /charges"): 1,
    }


def test_a_declined_card_marks_the_spans_it_failed(run: Run) -> None:
    spans = run.spans(run.report["failed_trace"])
    errors = {f"{span.service} {span.name}": span for span in spans if span.status == "error"}
    assert set(errors) == {"payments authorize card", "orders POST", "gateway POST"}
    authorize = errors["payments authorize card"]
    assert authorize.status_message.startswith("CardDeclinedError: ")
    assert [event.name for event in authorize.events] == ["exception"]
    [place] = [span for span in spans if span.name == "place order"]
    assert [event.name for event in place.events] == ["order cancelled"]


def test_correlation_id_is_on_every_span_and_log_record(run: Run) -> None:
    for trace_id, trace in run.traces.items():
        expected = {run.report["correlation_ids"][trace_id]}
        assert {span.attributes["flext.correlation_id"] for span in trace.spans} == expected
        assert {log.attributes["flext.correlation_id"] for log in trace.logs} == expected


def test_log_records_carry_the_spans_of_their_services(run: Run) -> None:
    services = {span.span_id: span.service for trace in run.traces.values() for span in trace.spans}
    assert {services[log.span_id] == log.service for log in run.logs} == {True}
    levels = Counter((log.service, log.severity) for log in run.logs)
    declined = sum(run.report["declined"].values())
    assert levels["payments", "ERROR"] == levels["orders", "WARN"] == declined
    assert levels["inventory", "WARN"] >= run.report["slow"] > 0


def test_baggage_of_the_gateway_reaches_services_two_hops_away(run: Run) -> None:
    for trace_id in run.traces:
        tiers = {
            (span.service, span.attributes["shop.tier"])
            for span in run.spans(trace_id)
            if "shop.tier" in span.attributes
        }
        assert {service for service, _ in tiers} == {"payments", "inventory"}
        assert len({tier for _, tier in tiers}) == 1


def test_counters_and_histograms_match_the_sales(run: Run) -> None:
    orders: dict[str, Counter[str]] = {"sold": Counter(), "declined": Counter()}
    for point in run.metrics:
        if point.name == "shop.orders":
            orders[str(point.attributes["shop.outcome"])][str(point.attributes["shop.product"])] += int(
                point.value or 0
            )
    assert (orders["sold"], orders["declined"]) == (run.report["sold"], run.report["declined"])
    assert sum(point.value or 0 for point in run.metrics if point.name == "shop.revenue") == run.report["revenue"]
    durations = [point for point in run.metrics if point.name == "shop.checkout.duration"]
    assert sum(point.count for point in durations) == REQUESTS


def test_exemplars_name_checkouts_of_this_run(run: Run) -> None:
    durations = [point for point in run.metrics if point.name == "shop.checkout.duration"]
    exemplars = {exemplar.trace_id for point in durations for exemplar in point.exemplars}
    assert exemplars
    assert exemplars <= set(run.traces)


def test_output_shows_both_checkouts_the_metrics_the_sales_and_links(run: Run) -> None:
    lines = run.output.splitlines()
    for trace in ("good_trace", "failed_trace"):
        assert any(f"trace {run.report[trace]}" in line for line in lines)
    assert any("CardDeclinedError: " in line for line in lines)
    assert any("shop.orders" in line for line in lines)
    assert f"Customers {REQUESTS}/{REQUESTS}: " in run.output
    assert any(f"{REQUESTS} checkouts: " in line and f"{run.report['revenue']:,.2f} EUR" in line for line in lines)
    links = lines[lines.index("Links") + 1 :]
    assert [line.split() for line in links if "http://" in line] == [["Viewer", run.report["receiver"]]]


def test_two_runs_at_once_do_not_collide() -> None:
    with start(*QUICK, "--to", "viewer") as one, start(*QUICK, "--to", "viewer", "--seed", "2") as two:
        assert eventually(lambda: len(descendants(one)) == len(descendants(two)) == 5, within_seconds=30)
        children = descendants(one) + descendants(two)
        outputs = [demo.communicate(timeout=60)[0] for demo in (one, two)]
    assert [demo.returncode for demo in (one, two)] == [0, 0], outputs
    assert alive(children) == []


@pytest.mark.parametrize(
    ("number", "to_group", "code"),
    [
        pytest.param(signal.SIGINT, True, 130, id="Ctrl-C"),
        pytest.param(signal.SIGINT, False, 130, id="SIGINT to the demo alone"),
        pytest.param(signal.SIGTERM, False, 143, id="SIGTERM"),
        pytest.param(signal.SIGKILL, False, -9, id="SIGKILL"),
    ],
)
def test_a_signal_leaves_no_process_behind(number: int, to_group: bool, code: int, tmp_path: Path) -> None:
    with start("--seconds", "20", "--to", "viewer", TMPDIR=str(tmp_path)) as demo:  # SIGKILL leaves its files
        children = selling(demo)
        (os.killpg if to_group else os.kill)(demo.pid, number)
        demo.communicate(timeout=10)
    assert demo.returncode == code
    assert alive(children) == []


def test_a_service_that_dies_fails_the_demo() -> None:
    with start("--seconds", "20", "--to", "viewer") as demo:
        children = selling(demo)
        next(child for child in children if "examples.shop.inventory" in child.cmdline()).kill()
        output, _ = demo.communicate(timeout=30)
    assert demo.returncode == 1
    assert "The demo failed: " in output
    assert alive(children) == []


def test_a_collector_without_query_api_receives_the_telemetry() -> None:
    with collector() as receiver, start(*QUICK, "--to", receiver.url) as demo:
        output, _ = demo.communicate(timeout=60)
        spans = {span.name for span in receiver.spans()}
    assert demo.returncode == 0, output
    words = " ".join(output.split())  # line breaks depend on the width of the terminal
    assert f"see the back end of {receiver.url}" in words
    assert {"POST /checkout", "place order", "authorize card", "UPDATE goods"} <= spans


def test_a_receiver_that_does_not_answer_fails_the_demo() -> None:
    with refusing_port() as port, start("--to", f"http://127.0.0.1:{port}") as demo:
        output, _ = demo.communicate(timeout=30)
    assert demo.returncode == 1
    assert f"http://127.0.0.1:{port} does not answer" in output


def selling(demo: subprocess.Popen[str]) -> list[psutil.Process]:
    """Wait until the shop is open, and return its processes."""
    assert demo.stdout
    output = ""
    while "are up" not in output:
        line = demo.stdout.readline()
        assert line, output
        output += line
    children = descendants(demo)
    assert len(children) == 5
    return children


def descendants(demo: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return psutil.Process(demo.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return the processes that still run after 8 s."""
    return psutil.wait_procs(processes, timeout=8)[1]
