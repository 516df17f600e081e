"""examples/01 … 16: each runs without settings or a collector, and prints its expected output."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.output import environment, same
from tests.docs.pages import ROOT

EXAMPLES = ROOT / "examples"
PROGRAMS = sorted(path.name for path in EXAMPLES.glob("[0-9]*.py"))
MAX_LINES = 60
# Expected stdout and stderr of each program; `...` matches any text.
PRINTED = {
    "01_first_span.py": (
        "2 spans were exported\n",
        """... trace ... 2 spans
└── first-span make tea  kind=green  tea.temperature=80 ...
    └── boil water ...
""",
    ),
    "02_monitored_function.py": (
        """hat: 1 left
scarf: no scarf left
hat: 0 left
span reserve: unset
span reserve: error
span reserve: unset
calls {'flext.operation': 'reserve', 'flext.outcome': 'ok'} 2
calls {'flext.operation': 'reserve', 'flext.outcome': 'error'} 1
error records: 1
""",
        "",
    ),
    "03_metrics.py": (
        "",
        """Measuring with Counter till.sales failed: ValueError: -1.0 is not a finite number of 0 or more; ...
... 1 span
└── till a day at the till ...
Metrics ... exemplar
till
  till.cash  gauge EUR ...
  till.sales  counter sale
    payment=card 33 ...
    payment=cash 17 ...
  till.service.duration  histogram s 50 × ...
""",
    ),
    "04_logs_with_trace_ids.py": (
        """INFO · Nothing to trace yet · no trace
INFO · Sending to ada@example.org · in the trace
INFO · sent · in the trace, campaign='spring', recipients=1
ERROR · Cannot count the recipients · in the trace
""",
        "Cannot count the recipients\nTraceback ...\nValueError: invalid literal for int() with base 10: 'many'\n",
    ),
    "05_two_processes.py": ("another process: True\nsame trace: True\ncorrelation id: order-1234\n", ""),
    "06_entities.py": (
        """FlextMetric created
FlextTrace created
FlextLogEntry created
FlextHealthCheck created
FlextAlert created
invalid_metric: Invalid metric name: 'report rows' ...
invalid_metric: Invalid metric value: nan is not finite. Use a finite number.
invalid_alert: Invalid alert severity: 'catastrophic'. Use one of info, warning, error, critical.
span: write report · status: ok · records: ['report written', '9 % free', '9 % free on /data']
""",
        "",
    ),
    "07_prometheus_page.py": (
        """page on this machine: True
queue_waiting{otel_scope_name="flext_observability"} 3.0
queue_jobs_total{kind="resize",otel_scope_name="flext_observability"} 4.0
queue_job_duration_seconds_bucket{otel_scope_name="flext_observability",le="0.1"} 1.0
queue_job_duration_seconds_bucket{otel_scope_name="flext_observability",le="1"} 3.0
queue_job_duration_seconds_bucket{otel_scope_name="flext_observability",le="10"} 3.0
queue_job_duration_seconds_bucket{otel_scope_name="flext_observability",le="+Inf"} 4.0
""",
        "",
    ),
    "08_health_checks.py": (
        """degraded because of mail is unhealthy: ConnectionError: the mail server hung up
  database: healthy
  disk: healthy 42% free
  mail: unhealthy ConnectionError: the mail server hung up
  telemetry: healthy
ready: 200 degraded
""",
        "",
    ),
    "09_own_exporter.py": (
        """attempt 1: busy
attempt 2: read, write, count, lesson
exported 4, queued 0, dropped {}
""",
        "blackboard (traces) is down, waiting to send again: busy. Wait.\nblackboard has recovered after ...\n",
    ),
    "10_store_and_query.py": (
        """rejected: Invalid metric name: 'room temperature' ...
room.temperature kitchen 21.5 Cel
room.temperature kitchen 23.0 Cel
older than a day: 0
alerts: ['11 degrees']
stored: 4
""",
        "",
    ),
    "11_plugin.py": (
        "oven.temperature is 231\noven is degraded\nbake bread completed: ok\n",
        "on_metric_created of the plug-in broken failed: RuntimeError: out of ink; the program continues without it\n",
    ),
    "12_alert_escalation.py": (
        """active: warning, level 0: 93% of the tank is used
escalated: warning, level 1: 93% of the tank is used
escalated: critical, level 3: 93% of the tank is used
acknowledged: critical, level 3: 93% of the tank is used
resolved: critical, level 3: 93% of the tank is used
still active: 0
""",
        "",
    ),
    "13_prometheus_client.py": (
        """our page
  bakery_oven_celsius{otel_scope_name="flext_observability"} 231.0
  bakery_bread_total{kind="rye"} 3.0
page of the program
  bakery_bread_total{kind="rye"} 3.0
  bakery_oven_celsius{otel_scope_name="flext_observability"} 231.0
after the shutdown
  bakery_bread_total{kind="rye"} 3.0
""",
        "",
    ),
    "14_worker_processes.py": (
        "press_pages_waiting{...} 7.0\npress_pages_printed_total{...} 123.0\n",
        "",
    ),
    "15_engine.py": (
        """('pour', {'tea': 'green', 'sugar': 2}, 'INTERNAL', 'UNSET')
(2000, {'tea': 'green'})
the same data from the SDK: True
cost: ... of the SDK's
""",
        "",
    ),
    "16_rules_and_dashboard.py": (
        """- alert: "too_hot"
kettle_temperature_celsius{service_name="kettle"} > 99
for: 1m
- alert: "slow"
max by (job, instance) (histogram_quantile(0.95, rate(kettle_boil_seconds_bucket{service_name="kettle"}[4m]))) > 300
Invalid alert rule 'dry': the program declares no metric 'kettle.cup'. Use 'kettle.cups'.
row · kettle
timeseries · kettle.boil: quantiles
heatmap · kettle.boil: distribution
timeseries · kettle.cups per second
timeseries · kettle.temperature
""",
        "",
    ),
}


def test_the_readme_lists_all_sixteen_programs() -> None:
    rows = re.findall(r"^\| \[(\S+)\]\(\1\) \|", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == PROGRAMS == list(PRINTED)
    assert [name[:2] for name in PROGRAMS] == [f"{number:02}" for number in range(1, 17)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_short(name: str) -> None:
    assert len((EXAMPLES / name).read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_prints_the_expected_output(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLES / name)]
    run = subprocess.run(
        command, env=environment(), cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stderr
    stdout, stderr = PRINTED[name]
    assert same(stdout, run.stdout), run.stdout
    assert same(stderr, run.stderr), run.stderr
    assert list(tmp_path.iterdir()) == []
