"""Command grafana-setup: start Grafana, in Docker or as the user's own program."""

from __future__ import annotations

from monitoring.control.context import Context
from monitoring.control.probes import get_json
from monitoring.control.secret_files import NAMES, make_secrets, secrets_folder
from monitoring.native import grafana
from monitoring.native.parts import GRAFANA

_STARTED_ELSEWHERE = "https://grafana.com/grafana/download"


def grafana_setup(context: Context) -> int:
    """Start Grafana with data sources and dashboards, or write its files and print how to start it."""
    repository = context.engine.places.repository
    make_secrets(repository)
    if context.docker:
        context.start((GRAFANA,))
        return _started(context)
    folder = grafana.write_provisioning(context.engine.places)
    boards = len(list((folder / "dashboards").glob("*.json")))
    context.report.done(f"provisioning with loopback addresses and {boards} dashboards: {folder}")
    program = grafana.installed_grafana()
    if program is None:
        return _not_installed(context)
    context.start((grafana.grafana_part(program, context.engine.places),))
    context.engine.refresh()  # adds it to the scrape targets
    return _started(context)


def _started(context: Context) -> int:
    url = context.url(grafana.described())
    health = get_json(f"{url}/api/health")
    secret = secrets_folder(context.engine.places.repository) / NAMES[0]
    context.report.done(
        f"Grafana {health.get('version', '')} is on {url}, database {health.get('database', 'unknown')}"
    )
    context.report.note(f"log in as admin with the password in {secret} (valid from the first start)")
    context.report.next(f"open {url}", f"curl {url}/api/health")
    return 0


def _not_installed(context: Context) -> int:
    places, report = context.engine.places, context.report
    folder = grafana.provisioning_folder(places)
    report.note(
        "Grafana is not started: `grafana` is not on PATH. It is an AGPL program, which this command does not download."
    )
    report.next(
        f"install Grafana {GRAFANA.version} ({_STARTED_ELSEWHERE}), put `grafana` on PATH, and run this command again;",
        f"or start any Grafana {GRAFANA.version} with GF_PATHS_PROVISIONING={folder / 'provisioning'};",
        "or use Docker, where Grafana is part of the stack.",
        "Without Grafana: make observability-test runs every query of every dashboard, and "
        "make metrics-collect traces-start read data back.",
    )
    return 0
