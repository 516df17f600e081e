"""Batch jobs and a Pushgateway: pushes at flush and shutdown, one group for each process, deletion on request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics

from flext_observability import init_observability, shutdown_observability
from tests.backends.collector import Answer
from tests.backends.gateway import Gateway, gateway
from tests.backends.ports import refusing_port
from tests.programs import run, run_file

NIGHTLY = "/metrics/job/nightly"
ONLY: dict[str, Any] = {
    "service_name": "nightly",
    "exporters": {"traces": "none", "metrics": "pushgateway", "logs": "none"},
}

JOB = """
    from opentelemetry import metrics
    from flext_observability import init_observability

    job = init_observability(service_name="nightly", exporters={"traces": "none", "logs": "none"}).unwrap()
    rows = metrics.get_meter("t").create_counter("rows")
    rows.add(3)
"""


@pytest.fixture
def pushed() -> Iterator[Gateway]:
    with gateway() as running:
        yield running
    shutdown_observability(0)


def test_a_program_pushes_at_exit(pushed: Gateway) -> None:
    done = run(JOB, OTEL_METRICS_EXPORTER="none", PROMETHEUS_PUSH_GATEWAY=f"127.0.0.1:{pushed.port}")
    assert (done.code, done.err) == (0, "")
    assert [(each.method, each.path) for each in pushed.requests] == [("PUT", NIGHTLY)]
    assert pushed.lines(NIGHTLY) == ['rows_total{otel_scope_name="t"} 3.0']


def test_metrics_are_pushed_only_at_flush_and_shutdown(pushed: Gateway) -> None:
    job = init_observability(push_gateway=pushed.url, metric_export_interval_seconds=0.01, **ONLY).unwrap()
    rows = metrics.get_meter("t").create_counter("rows")
    for total in (1, 2):
        rows.add(1)
        assert job.flush().unwrap().complete
        assert pushed.lines(NIGHTLY) == [f'rows_total{{otel_scope_name="t"}} {total}.0']
    time.sleep(0.1)  # ten times the interval
    assert len(pushed.requests) == 2
    (row,) = job.status()["metrics"].deliveries
    assert (row.exporter, row.finished, row.exported, row.dropped) == ("pushgateway", 2, 2, {})
    assert job.shutdown().unwrap().complete
    assert len(pushed.requests) == 3


def test_the_gateway_gets_totals_while_others_get_deltas(pushed: Gateway) -> None:
    job = init_observability(
        push_gateway=pushed.url,
        metrics_temporality_preference="delta",
        service_name="nightly",
        exporters={"metrics": ["memory", "pushgateway"], "traces": "none", "logs": "none"},
    ).unwrap()
    rows = metrics.get_meter("t").create_counter("rows")
    for total in (1, 2):
        rows.add(1)
        job.flush()
        assert pushed.lines(NIGHTLY) == [f'rows_total{{otel_scope_name="t"}} {total}.0']


def test_a_busy_gateway_gets_newer_totals_at_the_retry(pushed: Gateway) -> None:
    pushed.answers.append(Answer(503))
    job = init_observability(push_gateway=pushed.url, **ONLY).unwrap()
    rows = metrics.get_meter("t").create_counter("rows")
    rows.add(1)
    assert not job.flush(0.2).unwrap().complete
    rows.add(1)
    pushed.wait_for(lambda server: server.groups)
    assert pushed.lines(NIGHTLY) == ['rows_total{otel_scope_name="t"} 2.0']


def test_the_reason_of_a_rejection_is_in_the_status(pushed: Gateway) -> None:
    pushed.standing = Answer(400, body=b'collected metric "rows_total" is not a GAUGE\n')
    job = init_observability(push_gateway=pushed.url, **ONLY).unwrap()
    metrics.get_meter("t").create_counter("rows").add(1)
    job.flush()
    status = job.status()["metrics"]
    assert (status.state, status.reason) == (
        "degraded",
        f'{pushed.url}{NIGHTLY} answered 400: collected metric "rows_total" is not a GAUGE',
    )
    assert job.shutdown().unwrap().ledger.exporters[0].dropped == {"rejected": 2}


def test_a_gateway_that_is_down_does_not_block_the_exit_and_is_logged() -> None:
    with refusing_port() as port:
        done = run(JOB, OTEL_METRICS_EXPORTER="none", PROMETHEUS_PUSH_GATEWAY=f"http://me:secret@127.0.0.1:{port}")
    assert done.code == 0
    assert "Start the Pushgateway" in done.err
    assert "pushgateway 1 of 1 metrics (unreachable)" in done.err
    assert "secret" not in done.err


def test_a_missing_address_degrades_the_signal() -> None:
    job = init_observability(**ONLY).unwrap()
    status = job.status()["metrics"]
    assert status.reason == "pushgateway: no address is set"
    assert "PROMETHEUS_PUSH_GATEWAY" in status.fix
    assert job.delete_pushed_metrics().success
    shutdown_observability(0)


# ---- children --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "groups"),
    [
        ("fork", {"": "3", "/instance/fork-1": "10", "/instance/fork-2": "20"}),
        ("spawn", {"": "3", "/instance/SpawnProcess-1": "10", "/instance/SpawnProcess-2": "20"}),
    ],
)
def test_children_have_groups_of_their_own(
    pushed: Gateway, tmp_path: Path, method: str, groups: dict[str, str]
) -> None:
    source = f"""
        import multiprocessing
        from opentelemetry import metrics
        from flext_observability import init_observability

        init_observability(service_name="nightly", exporters={{"traces": "none", "logs": "none"}}).unwrap()

        def work(count):
            metrics.get_meter("t").create_counter("rows").add(count)

        if __name__ == "__main__":
            work(3)
            for count in (10, 20):
                child = multiprocessing.get_context("{method}").Process(target=work, args=(count,))
                child.start()
                child.join()
        """
    run_file(tmp_path, source, OTEL_METRICS_EXPORTER="none", PROMETHEUS_PUSH_GATEWAY=pushed.url)
    found = {path.removeprefix(NIGHTLY): pushed.lines(path) for path in pushed.groups}
    assert found == {path: [f'rows_total{{otel_scope_name="t"}} {count}.0'] for path, count in groups.items()}


# ---- deleting --------------------------------------------------------------------------------------------------------


def test_the_group_is_deleted_at_exit_if_configured(pushed: Gateway) -> None:
    job = init_observability(push_gateway=pushed.url, push_gateway_delete_at_exit=True, **ONLY).unwrap()
    metrics.get_meter("t").create_counter("rows").add(1)
    job.flush()
    assert pushed.groups
    job.shutdown()
    assert pushed.requests[-1].method == "DELETE"
    assert pushed.groups == {}


def test_a_failed_deletion_is_logged(pushed: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    job = init_observability(push_gateway=pushed.url, push_gateway_delete_at_exit=True, **ONLY).unwrap()
    metrics.get_meter("t").create_counter("rows").add(1)
    pushed.answers.extend([Answer(), Answer(403)])
    job.shutdown()
    assert any("Pushed metrics are not deleted" in line.message for line in caplog.records)


def test_the_group_is_deleted_on_request(pushed: Gateway) -> None:
    job = init_observability(push_gateway=pushed.url, **ONLY).unwrap()
    metrics.get_meter("t").create_counter("rows").add(1)
    job.shutdown()
    assert pushed.groups
    assert job.delete_pushed_metrics().success
    assert pushed.groups == {}
    pushed.standing = Answer(503)
    assert job.delete_pushed_metrics(1.0).code == "unavailable"
    assert job.delete_pushed_metrics(-1).code == "invalid_timeout"


def test_a_running_loop_awaits_the_deletion(pushed: Gateway) -> None:
    job = init_observability(push_gateway=pushed.url, **ONLY).unwrap()

    async def end() -> bool:
        return (await job.delete_pushed_metrics()).success

    assert asyncio.run(end())
    assert [each.method for each in pushed.requests] == ["DELETE"]
