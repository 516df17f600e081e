"""Alert rules and collector in real processes: alerts are raised and resolved, also in a forked child."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from flext_observability import FlextAlertRule, FlextMetricsCollector, FlextObservabilityMonitor, init_observability
from flext_observability.domain.report import Signal
from flext_observability.instrumentation.host_metrics.process import PROCESS_METRICS
from flext_observability.instrumentation.host_metrics.system import SYSTEM_METRICS
from flext_observability.wire.prometheus.names import metric_name
from tests.integration.prometheus_page import CLASSIC, QUIET, scrape
from tests.programs import run
from tests.waiting import eventually

_KINDS: Final[dict[str, Literal["counter", "gauge"]]] = {
    "counter": "counter",
    "up_down_counter": "gauge",
    "gauge": "gauge",
}


def only(exporter: str) -> Mapping[Signal, str]:
    return {"traces": "none", "metrics": exporter, "logs": "none"}


def test_an_observable_gauge_that_crosses_a_threshold_raises_an_alert_that_goes_with_it() -> None:
    level = [0.5]

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(each, {"tank": "north"}) for each in level]

    metrics.get_meter("tank").create_observable_gauge("tank.level", [observe])
    with init_observability(**QUIET, exporters=only("memory"), alert_rules_interval_seconds=0.05).unwrap() as started:
        rule = FlextAlertRule("tank_full", metric="tank.level", above=0.8, for_seconds=0.1)
        started.alerts.add_rule(rule).unwrap()
        level[0] = 0.9
        assert eventually(lambda: bool(started.alerts.active_alerts().unwrap()))
        (alert,) = started.alerts.active_alerts().unwrap()
        assert (alert.source, alert.details["labels"]) == ("rule:tank_full", {"tank": "north"})
        level[0] = 0.7
        assert eventually(lambda: not started.alerts.active_alerts().unwrap())
        started.alerts.remove_rule("tank_full").unwrap()
    level.clear()  # an observable instrument cannot be taken back: it is to give later tests no point


def test_rules_need_no_exporter() -> None:
    with init_observability(**QUIET, exporters="none").unwrap() as started:
        started.alerts.add_rule(FlextAlertRule("tank_high", metric="tank.height", above=5)).unwrap()
        started.metrics.gauge("tank.height").set(9)
        started.alerts.run_pending()
        assert [alert.name for alert in started.alerts.active_alerts().unwrap()] == ["tank_high"]
        started.alerts.remove_rule("tank_high").unwrap()


def test_a_callback_that_raises_costs_only_its_own_rule() -> None:
    works: list[Observation] = []

    def broken(_: CallbackOptions) -> Iterable[Observation]:
        return [works[0]] if depth else []

    metrics.get_meter("tank").create_observable_gauge("tank.pressure", [broken])
    depth = [Observation(3)]
    metrics.get_meter("tank").create_observable_gauge("tank.depth", [lambda _: depth])
    rules = [
        FlextAlertRule("pressure", metric="tank.pressure", above=0),
        FlextAlertRule("depth", metric="tank.depth", above=2),
    ]
    nothing = FlextMetricsCollector(process=False, system=False)
    with (
        init_observability(**QUIET, exporters=only("memory")).unwrap(),
        FlextObservabilityMonitor(rules=rules, collector=nothing) as monitor,
    ):
        assert [state.state for state in monitor.evaluate_now().unwrap()] == ["no_data", "firing"]
        works.append(Observation(-1))
        assert [state.state for state in monitor.evaluate_now().unwrap()] == ["ok", "firing"]
    depth.clear()


def test_the_page_shows_the_collector_under_the_names_that_prometheus_gives() -> None:
    with (
        FlextMetricsCollector() as collector,
        init_observability(**QUIET, exporters=only("prometheus")).unwrap() as started,
    ):
        threading.Event().wait(0.15)  # utilization speaks of a tenth of a second at least
        scrape(started.ops_address, CLASSIC)
        names = {name for name, _ in scrape(started.ops_address, CLASSIC).samples()}
        left_out = {"system.paging.utilization"} | set(collector.unavailable)  # there may be no swap
        expected = {
            metric_name(metric.name, metric.unit, _KINDS[metric.kind], ratio=metric.kind == "gauge")
            for metric in (*PROCESS_METRICS, *SYSTEM_METRICS)
            if metric.name not in left_out and not metric.name.startswith("system.disk.")
        }
        assert expected <= names


CHILD = """
import json, os
from flext_observability import *

exporters = {"traces": "none", "metrics": "memory", "logs": "none"}
started = init_observability(service_name="shop", exporters=exporters, console=False).unwrap()
collector = FlextMetricsCollector(system=False)
rule = FlextAlertRule("thread", metric="process.uptime", above=-1)
monitor = FlextObservabilityMonitor(rules=[rule], collector=collector)
monitor.start().unwrap()
states = lambda: [state.state for state in monitor.evaluate_now().unwrap()]
before = states()
kept = bytearray(64_000_000)
child = os.fork()
if child == 0:
    fresh = [state.state for state in monitor.status().rules]
    metrics = {metric.name: metric.value for metric in collector.collect().unwrap()}
    own_pid = collector._cache.process.pid == os.getpid()
    print(json.dumps([before, fresh, states(), own_pid, metrics["process.uptime"]]), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_forked_child_measures_itself_and_watches_the_rules_afresh() -> None:
    finished = run(CHILD)
    assert finished.code == 0, finished.err
    before, fresh, after, own, uptime = json.loads(finished.lines[0])
    assert (before, fresh, after) == (["firing"], ["no_data"], ["firing"])
    assert own
    assert 0 <= uptime < 60
