"""The demo with the real stack: Jaeger, Prometheus and VictoriaLogs have the telemetry of all sales."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.shop.products import PRODUCTS
from examples.shop.traffic import customers
from monitoring.native.places import REPOSITORY, Places
from tests.stack.clients import Jaeger, LogLine, Prometheus, StoredSpan, VictoriaLogs, eventually

pytestmark = pytest.mark.stack

REQUESTS, SEED = 24, 7
CUSTOMERS = customers(REQUESTS, SEED)
SERVICES = {"gateway", "orders", "payments", "inventory"}
GOOD_TREE = {
    ("gateway", "POST /checkout", "server", "UNSET"): None,
    ("orders", "POST /orders", "server", "UNSET"): ("gateway", "POST"),
    ("orders", "place order", "internal", "UNSET"): ("orders", "POST /orders"),
    ("inventory", "POST /reservations", "server", "UNSET"): ("orders", "POST"),
    ("inventory", "UPDATE goods", "client", "UNSET"): ("inventory", "POST /reservations"),
    ("payments", "POST /charges", "server", "UNSET"): ("orders", "POST"),
    ("payments", "authorize card", "internal", "UNSET"): ("payments", "POST /charges"),
}


@pytest.fixture(scope="module")
def report(stack: Places, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the report and the output of a demo run that sent its telemetry to the collector."""
    file: Path = tmp_path_factory.mktemp("demo") / "report.json"
    argv = ["--seconds", "2", "--requests", str(REQUESTS), "--seed", str(SEED), "--report", str(file)]
    done = subprocess.run(
        [sys.executable, "-m", "examples.shop", *argv],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found | {"output": done.stdout}


@pytest.fixture(scope="module")
def good(report: dict[str, Any], jaeger: Jaeger) -> list[StoredSpan]:
    """Return the spans of a successful checkout."""
    return _read(jaeger, report["good_trace"])


@pytest.fixture(scope="module")
def failed(report: dict[str, Any], jaeger: Jaeger) -> list[StoredSpan]:
    """Return the spans of a checkout with a declined card."""
    return _read(jaeger, report["failed_trace"])


def _read(jaeger: Jaeger, trace_id: str) -> list[StoredSpan]:
    def probe() -> list[StoredSpan]:
        spans = jaeger.trace(trace_id)
        return spans if {span.service for span in spans} == SERVICES else []

    return eventually(probe)


def test_four_services_make_one_trace_with_right_parents_kinds_and_statuses(good: list[StoredSpan]) -> None:
    by_id = {span.span_id: span for span in good}
    parents = {
        (span.service, span.name, span.kind, span.status): _named(by_id.get(span.parent_id or "")) for span in good
    }
    calls = [parents.pop(("gateway", "POST", "client", "UNSET")), parents.pop(("orders", "POST", "client", "UNSET"))]
    assert calls == [("gateway", "POST /checkout"), ("orders", "place order")]
    assert parents == GOOD_TREE


def _named(span: StoredSpan | None) -> tuple[str, str] | None:
    return (span.service, span.name) if span else None


def test_a_declined_payment_is_an_error_with_its_exception(failed: list[StoredSpan]) -> None:
    authorize = next(span for span in failed if span.name == "authorize card")
    assert authorize.status == "ERROR"
    assert authorize.status_description.startswith("CardDeclinedError: ")
    [exception] = authorize.events
    assert exception.name == "exception"
    assert exception.attributes["exception.type"].endswith("CardDeclinedError")
    assert "payments.py" in exception.attributes["exception.stacktrace"]
    failing = {(span.service, span.name) for span in failed if span.status == "ERROR"}
    assert failing == {("payments", "authorize card"), ("orders", "POST"), ("gateway", "POST")}
    statuses = {span.attributes["http.response.status_code"] for span in failed if span.name == "POST /checkout"}
    assert statuses == {402}


def test_events_and_attributes_of_own_spans_are_kept(good: list[StoredSpan]) -> None:
    place = next(span for span in good if span.name == "place order")
    assert place.attributes["shop.order.id"].startswith("order-")
    assert place.attributes["shop.product"] in PRODUCTS
    [event] = place.events
    assert (event.name, list(event.attributes)) == ("order placed", ["shop.amount"])
    assert place.start_us <= event.time_us <= place.start_us + place.duration_us
    query = next(span for span in good if span.name == "UPDATE goods")
    assert (query.attributes["db.system.name"], query.attributes["db.operation.name"]) == ("sqlite", "UPDATE")


def test_each_service_has_its_own_resource(good: list[StoredSpan], report: dict[str, Any]) -> None:
    assert {span.resource["service.instance.id"] for span in good} == {f"{report['run']}-{name}" for name in SERVICES}
    assert {span.resource["service.namespace"] for span in good} == {"shop"}
    assert {span.resource["telemetry.sdk.language"] for span in good} == {"python"}
    assert len({span.resource["process.pid"] for span in good}) == len(SERVICES)


def test_correlation_id_and_baggage_reach_every_service(
    good: list[StoredSpan], failed: list[StoredSpan], report: dict[str, Any]
) -> None:
    for spans in (good, failed):
        expected = report["correlation_ids"][spans[0].trace_id]
        assert {span.attributes["flext.correlation_id"] for span in spans} == {expected}
        tiers = {span.attributes["shop.tier"] for span in spans if "shop.tier" in span.attributes}
        assert len(tiers) == 1
        assert {span.service for span in spans if "shop.tier" in span.attributes} == {"payments", "inventory"}


def test_counters_equal_the_sales(report: dict[str, Any], prometheus: Prometheus) -> None:
    run = _of_run(report)
    for outcome in ("sold", "declined"):
        rows = prometheus.query(f'shop_orders_total{{{run}, shop_outcome="{outcome}"}}')
        assert {row.labels["shop_product"]: row.value for row in rows} == report[outcome]
    assert prometheus.value(f"sum(shop_revenue_total{{{run}}})") == report["revenue"]
    assert prometheus.value(f"sum(shop_checkouts_total{{{run}}})") == report["requests"] == REQUESTS
    declined = prometheus.value(f'flext_function_calls_total{{{run}, flext_outcome="error"}}')
    assert declined == sum(report["declined"].values())


def test_histogram_has_count_and_sum_of_every_payment(report: dict[str, Any], prometheus: Prometheus) -> None:
    run = _of_run(report)
    asked = sum(PRODUCTS[customer.product] * customer.quantity for customer in CUSTOMERS)
    assert prometheus.value(f"sum(shop_payment_amount_count{{{run}}})") == REQUESTS
    assert prometheus.value(f"sum(shop_payment_amount_sum{{{run}}})") == asked
    small = sum(PRODUCTS[customer.product] * customer.quantity <= 25 for customer in CUSTOMERS)
    assert prometheus.value(f'sum(shop_payment_amount_bucket{{{run}, le="25"}})') == small


def test_an_exemplar_leads_to_a_trace_in_jaeger(report: dict[str, Any], prometheus: Prometheus, jaeger: Jaeger) -> None:
    exemplars = eventually(lambda: prometheus.exemplars(f"shop_checkout_duration_seconds_bucket{{{_of_run(report)}}}"))
    traces = {exemplar.labels["trace_id"] for exemplar in exemplars}
    assert traces <= set(report["correlation_ids"])
    newest = max(exemplars, key=lambda exemplar: exemplar.time_seconds)
    spans = eventually(lambda: jaeger.trace(newest.labels["trace_id"]))
    assert newest.labels["span_id"] in {span.span_id for span in spans if span.name == "POST /checkout"}


def test_log_lines_are_found_by_trace_id(
    report: dict[str, Any], victorialogs: VictoriaLogs, failed: list[StoredSpan]
) -> None:
    lines: list[LogLine] = eventually(lambda: _complete(victorialogs.by_trace(report["failed_trace"])))
    assert {(line.fields["service.name"], line.fields["severity_text"]) for line in lines} == {
        ("gateway", "INFO"),
        ("inventory", "INFO"),
        ("orders", "WARNING"),
        ("payments", "ERROR"),
    }
    expected = report["correlation_ids"][report["failed_trace"]]
    assert {line.fields["flext.correlation_id"] for line in lines} == {expected}
    assert not [line for line in lines if "service.instance.id" in line.fields["_stream"]]
    services = {span.span_id: span.service for span in failed}
    assert all(services[line.fields["span_id"]] == line.fields["service.name"] for line in lines)


def test_each_link_leads_to_a_page(report: dict[str, Any]) -> None:
    lines = report["output"].partition("Links\n")[2].splitlines()
    links = dict(line.split() for line in lines if "http://" in line)
    assert {"Jaeger", "Prometheus", "VictoriaLogs"} <= set(links)
    assert report["failed_trace"] in links["Jaeger"]
    assert f"#/?query=trace_id:={report['failed_trace']}&" in links["VictoriaLogs"]
    for address in links.values():
        httpx.get(address, trust_env=False).raise_for_status()


def _complete(lines: list[LogLine]) -> list[LogLine]:
    return lines if {line.fields["service.name"] for line in lines} == SERVICES else []


def _of_run(report: dict[str, Any]) -> str:
    return f'service_instance_id=~"{report["run"]}-.+"'
