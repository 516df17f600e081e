"""Metrics of a batch job in the real Pushgateway and in the real Prometheus."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry import metrics

from flext_observability import Observability, init_observability
from monitoring.native.parts import PUSHGATEWAY
from monitoring.native.places import Places
from tests.programs import run
from tests.stack.clients import Prometheus, eventually

pytestmark = pytest.mark.stack

JOB = """
    from opentelemetry import metrics
    from flext_observability import init_observability

    init_observability(
        exporters={"traces": "none", "logs": "none"}, push_gateway_grouping={"region": "a/b", "empty": ""}
    ).unwrap()
    meter = metrics.get_meter("job")
    meter.create_counter("job.rows", "{row}").add(3, {"table": "orders", "job": "mine"})
    meter.create_histogram("job.duration", "s").record(2)
    meter.create_gauge("job.last_success", "s").set(7)
    meter.create_counter("same.name").add(1)
    meter.create_up_down_counter("same_name_total").add(1)
"""


@pytest.fixture
def gateway(stack: Places) -> Iterator[httpx.Client]:
    """Return a client of the gateway's API."""
    with httpx.Client(base_url=f"http://{stack.address(PUSHGATEWAY, 'http')}", trust_env=False) as client:
        yield client


@pytest.fixture
def job(gateway: httpx.Client) -> Iterator[str]:
    """Return a job name. Its groups are deleted after the test."""
    name = f"job-{uuid.uuid4().hex[:8]}"
    yield name
    for group in groups(gateway, name):
        labels = "".join(f"/{key}/{value}" for key, value in group["labels"].items() if key != "job" and value)
        if "/" not in group["labels"].get("region", ""):
            gateway.delete(f"/metrics/job/{name}{labels}").raise_for_status()


def groups(gateway: httpx.Client, job: str) -> list[dict[str, Any]]:
    """Return the groups of the job in the gateway."""
    rows: list[dict[str, Any]] = gateway.get("/api/v1/metrics").raise_for_status().json()["data"]
    return [row for row in rows if row["labels"]["job"] == job]


def started(gateway: httpx.Client, job: str, **more: Any) -> Observability:
    return init_observability(
        service_name=job,
        exporters={"traces": "none", "metrics": "pushgateway", "logs": "none"},
        push_gateway=str(gateway.base_url),
        **more,
    ).unwrap()


def test_a_jobs_metrics_are_in_the_gateway_and_scraped(gateway: httpx.Client, prometheus: Prometheus, job: str) -> None:
    address = str(gateway.base_url).removeprefix("http://")
    done = run(JOB, OTEL_SERVICE_NAME=job, OTEL_METRICS_EXPORTER="none", PROMETHEUS_PUSH_GATEWAY=address)
    assert done.code == 0, done.err
    (group,) = groups(gateway, job)
    assert group["labels"] == {"job": job, "region": "a/b", "empty": ""}
    assert group["last_push_successful"]
    assert (group["job_rows_total"]["type"], group["job_duration_seconds"]["type"]) == ("COUNTER", "HISTOGRAM")
    rows = f'job_rows_total{{job="{job}",region="a/b",exported_job="mine",table="orders"}}'
    assert eventually(lambda: prometheus.value(rows), within_seconds=60) == 3
    assert prometheus.value(f'job_duration_seconds_count{{job="{job}"}}') == 1
    assert prometheus.value(f'job_last_success_seconds{{job="{job}"}}') == 7
    own = f'{{job="{job}"}}'  # a part that was restarted has two target_info for some minutes
    joined = f"job_last_success_seconds{own} * on (job, instance) group_left(service_name) target_info{own}"
    assert [sample.labels["service_name"] for sample in prometheus.query(joined)] == [job]
    encoded = "/region@base64/YS9i/empty@base64/="
    gateway.delete(f"/metrics/job/{job}{encoded}").raise_for_status()


def test_a_push_replaces_the_group_and_a_request_deletes_it(gateway: httpx.Client, job: str) -> None:
    for name in ("first_run", "second_run"):
        with started(gateway, job) as handle:
            metrics.get_meter("job").create_gauge(name).set(1)
        (group,) = groups(gateway, job)
        assert {"first_run", "second_run"} & group.keys() == {name}
    handle = started(gateway, job)
    handle.shutdown()
    assert handle.delete_pushed_metrics().success
    assert groups(gateway, job) == []


def test_the_gateways_reason_for_a_rejection_is_in_the_status(gateway: httpx.Client, job: str) -> None:
    name = f"clash_{uuid.uuid4().hex[:8]}_total"
    other = f"/metrics/job/{job}/shard/other"
    gateway.put(other, content=f"# TYPE {name} gauge\n{name} 1\n").raise_for_status()
    with started(gateway, job) as handle:
        metrics.get_meter("job").create_counter(name).add(1)
        handle.flush()
        status = handle.status()["metrics"]
    assert status.state == "degraded"
    assert "pushed metrics are invalid or inconsistent" in status.reason
    assert name in status.reason
    assert "delete the group" in status.fix
