"""Commands alertmanager-config and alerts-configure: check files, reload the running program, read the result back."""

from __future__ import annotations

from typing import Any

from monitoring.control.context import Context
from monitoring.control.probes import eventually, get_json, post, probe
from monitoring.control.secret_files import secret_problems
from monitoring.native.parts import ALERTMANAGER, PROMETHEUS, Part
from monitoring.native.places import StackError

_RELOAD_SECONDS = 20.0


def alertmanager_config(context: Context) -> int:
    """Check Alertmanager's file with amtool, apply it, and print routes and receivers."""
    report, url = context.report, context.url(ALERTMANAGER)
    context.engine.refresh()
    file = "{configuration}/alertmanager.yml"
    _check(context, ALERTMANAGER, "amtool", ("check-config", file))
    report.done("monitoring/alertmanager/alertmanager.yml: amtool finds no fault")
    for problem in secret_problems(context.engine.places.repository):
        report.problem(problem)
    routes = context.engine.tool(ALERTMANAGER, "amtool", ("config", "routes", "show", f"--config.file={file}"))
    for line in routes.output.splitlines():
        report.note(line)
    if not probe(f"{url}/-/ready").healthy:
        report.note(f"Alertmanager does not run on {url}, so nothing was reloaded; it reads the file at its start")
        report.next("make monitoring-setup")
        return 0
    post(f"{url}/-/reload")
    status = get_json(f"{url}/api/v2/status")
    names = ", ".join(row["name"] for row in get_json(f"{url}/api/v2/receivers"))
    active = len(get_json(f"{url}/api/v2/alerts", {"active": "true"}))
    report.done(
        f"Alertmanager {status['versionInfo']['version']} has reloaded it: receivers {names}; {active} active alerts"
    )
    report.next(f"open {url}", "make alerts-configure   the rules that send alerts here")
    return 0


def alerts_configure(context: Context) -> int:
    """Check the rules with promtool, apply them, and print each alert with its state."""
    report, url = context.report, context.url(PROMETHEUS)
    context.engine.refresh()
    _check(context, PROMETHEUS, "promtool", ("check", "config", "{configuration}/prometheus.yml"))
    report.done("prometheus.yml and its rule files: promtool finds no fault")
    if not probe(f"{url}/-/ready").healthy:
        report.note(f"Prometheus does not run on {url}, so nothing was reloaded; it reads the rules at its start")
        report.next("make prometheus-start")
        return 0
    post(f"{url}/-/reload")
    rules = eventually(lambda: _evaluated(url), "The evaluation of the rules", seconds=_RELOAD_SECONDS)
    alerts = [rule for rule in rules if rule["type"] == "alerting"]
    report.table(("alert", "severity", "state", "health", "active"), [_row(rule) for rule in alerts])
    failed = [f"{rule['name']}: {rule.get('lastError', '')}" for rule in rules if rule["health"] == "err"]
    for text in failed:
        report.problem(f"{text}. Correct its expression in monitoring/prometheus/rules/.")
    report.done(f"Prometheus has loaded {len(alerts)} alerts and {len(rules) - len(alerts)} recording rules")
    report.next(f"curl {url}/api/v1/alerts", "make test-alerts-integration   an alert from its metric to the receiver")
    return 1 if failed else 0


def _evaluated(url: str) -> list[dict[str, Any]] | None:
    """Return all rules once none has health `unknown`, as rules have before their first evaluation."""
    groups = get_json(f"{url}/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    return None if any(rule["health"] == "unknown" for rule in rules) else rules


def _row(rule: dict[str, Any]) -> tuple[str, ...]:
    severity = str(rule["labels"].get("severity", "-"))
    return (rule["name"], severity, rule["state"], rule["health"], str(len(rule["alerts"])))


def _check(context: Context, part: Part, program: str, words: tuple[str, ...]) -> None:
    answer = context.engine.tool(part, program, words)
    if answer.code != 0:
        raise StackError(
            f"{program} rejects the configuration of {part.name}, so nothing was applied:\n{answer.output}\n"
            "Correct the named file, then run this command again."
        )
