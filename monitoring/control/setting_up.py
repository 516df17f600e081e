"""Commands that bring parts up: observability-init, monitoring-setup, prometheus-start, jaeger-start."""

from __future__ import annotations

import time

from monitoring.control.context import Context, all_parts
from monitoring.control.prerequisites import check_engine, check_prerequisites
from monitoring.control.probes import get_json
from monitoring.control.secret_files import make_secrets
from monitoring.native.parts import COLLECTOR, JAEGER, PROMETHEUS
from monitoring.native.places import StackError, places_from
from monitoring.native.stack import down, up

_FILES = ("docker-compose.monitoring.yml", "otel-collector.yaml", ".env", "monitoring/prometheus/prometheus.yml")


def observability_init(context: Context) -> int:
    """Make the secrets, and check that this machine can run the stack."""
    _check_files(context)
    _make_secrets(context)
    check_prerequisites(context)
    context.report.next(
        "make observability-validate   check every configuration file with the program that reads it",
        "make monitoring-setup         start the stack and wait until it is healthy",
    )
    return 0


def monitoring_setup(context: Context) -> int:
    """Fetch or build all parts, start them, and wait until all are healthy."""
    began = time.monotonic()
    _check_files(context)
    _make_secrets(context)
    check_prerequisites(context)
    context.engine.prepare(context.report.console)
    context.start(())
    context.report.done(f"{len(all_parts(context))} parts are healthy after {time.monotonic() - began:.0f} s")
    context.report.next(
        "make health-monitor       health and latency of each part, and active alerts",
        "make observability-test   load, then every query of every panel against the real back ends",
        f"send OTLP to {context.url(COLLECTOR, 'otlp_http')} (HTTP) or "
        f"{context.engine.places.address(COLLECTOR, 'otlp_grpc')} (gRPC)",
        "make stack-down           stop all parts; data stays",
    )
    return 0


def prometheus_start(context: Context) -> int:
    """Start Prometheus, and print its version and rules."""
    _prepare(context)
    context.start((PROMETHEUS,))
    url = context.url(PROMETHEUS)
    build = get_json(f"{url}/api/v1/status/buildinfo")["data"]
    groups = get_json(f"{url}/api/v1/rules")["data"]["groups"]
    rules = sum(len(group["rules"]) for group in groups)
    context.report.done(f"Prometheus {build['version']} is on {url} with {rules} rules in {len(groups)} groups")
    context.report.next(f"curl '{url}/api/v1/query?query=up'", "make alerts-configure   the rules with their states")
    return 0


def jaeger_start(context: Context) -> int:
    """Start Jaeger, and print the services that it has traces of."""
    _prepare(context)
    context.start((JAEGER,))
    url = context.url(JAEGER)
    services = sorted(get_json(f"{url}/api/services")["data"] or [])
    shown = ", ".join(services[:8]) + (f" and {len(services) - 8} more" if len(services) > 8 else "")
    context.report.done(f"Jaeger is on {url} with traces of {shown or 'no service yet'}")
    if not context.docker:
        context.report.note("the native Jaeger has no web page, only the API; its web page comes with Docker")
    context.report.next(f"curl {url}/api/services", "make traces-start   send a trace and read it back")
    return 0


def stack_up(context: Context) -> int:
    """Start the native stack, also where Docker works. All parts must be built."""
    _make_secrets(context, kept=False)
    up((), places_from(), context.report.console)
    return 0


def stack_down(context: Context) -> int:
    """Stop all parts, also native ones that were started before Docker was there. Data stays."""
    context.engine.stop((), context.report.console)
    if context.docker:
        down((), places_from(), context.report.console)
    return 0


def _prepare(context: Context) -> None:
    _make_secrets(context, kept=False)
    check_engine(context)


def _make_secrets(context: Context, *, kept: bool = True) -> None:
    """Make missing secrets, and print them; those that exist only if `kept`."""
    for secret in make_secrets(context.engine.places.repository):
        if not (secret.made or kept):
            continue
        text = "made, readable by this user only" if secret.made else "kept"
        context.report.done(f"{secret.path.relative_to(context.engine.places.repository)}: {text}")


def _check_files(context: Context) -> None:
    missing = [name for name in _FILES if not (context.engine.places.repository / name).is_file()]
    if missing:
        raise StackError(
            f"Incomplete repository: {', '.join(missing)} is missing. Restore it: git checkout -- {' '.join(missing)}."
        )
