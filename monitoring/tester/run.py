"""Run one check against its back end: query with resolved variables → outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from monitoring.tester.backends.http import QueryError
from monitoring.tester.backends.jaeger import Alertmanager, Jaeger
from monitoring.tester.backends.prometheus import Prometheus
from monitoring.tester.backends.victorialogs import VictoriaLogs
from monitoring.tester.catalogue.files import Object
from monitoring.tester.catalogue.interpolation import UnknownVariableError, Value, interpolate
from monitoring.tester.catalogue.variables import filtered, value_of, variables
from monitoring.tester.follow import Follower
from monitoring.tester.load import SERVICES
from monitoring.tester.model import Check, Outcome, State, counted
from monitoring.tester.rules import alert_outcome, loaded_outcome, recording_outcome


@dataclass(frozen=True, slots=True)
class BackEnds:
    """The APIs of the running stack."""

    prometheus: Prometheus
    victorialogs: VictoriaLogs
    jaeger: Jaeger
    alertmanager: Alertmanager


@dataclass(slots=True)
class Runner:
    """Runs checks. Keeps the values of the variables of each dashboard.

    Attributes:
        back_ends: The APIs of the running stack.
        sources: Provisioned data sources by uid.
        dashboards: Dashboards by uid.
        run_id: Prefix of the instance ids of the load.
        trace_id: A trace of the load.
    """

    back_ends: BackEnds
    sources: Mapping[str, Object]
    dashboards: Mapping[str, Object]
    run_id: str = ""
    trace_id: str = ""
    _answers: dict[tuple[str, str], list[str]] = field(default_factory=dict[tuple[str, str], list[str]])

    def run(self, check: Check) -> Outcome:
        """Return the outcome of a check. A refused query is an outcome, too."""
        if check.kind == "static":
            problem = str(check.options.get("problem") or "")
            return Outcome(State.ERROR, 0, problem) if problem else counted(int(check.options.get("rows", 1)))
        action = _ACTIONS.get(check.kind)
        if action is None:
            return Outcome(State.ERROR, 0, f"{check.kind!r} is unknown. Use one of {', '.join(sorted(_ACTIONS))}.")
        now = time.time()
        try:
            text = self._resolved(check, now)
            return action(self, check, text, now)
        except (QueryError, UnknownVariableError) as error:
            return Outcome(State.ERROR, 0, str(error))

    def keep(self, check: Check, found: list[str]) -> Outcome:
        """Keep the answer of the query of a variable."""
        variable = check.options["variable"]
        # Services of the load come first, because those of earlier runs may have no data in the time range.
        values = sorted(filtered(variable, found), key=lambda one: one not in SERVICES)
        self._answers[check.scope.dashboard, str(variable["name"])] = values
        return counted(len(values), ", ".join(values[:5]))

    def values(self, dashboard: str) -> dict[str, Value]:
        """Return the value of each variable of a dashboard."""
        return {
            str(one["name"]): value_of(
                one, self._answers.get((dashboard, str(one["name"])), []), self.sources, trace_id=self.trace_id
            )
            for one in variables(self.dashboards.get(dashboard, {}))
        }

    def follower(self, now: float) -> Follower:
        """Return the means to follow links between data sources."""
        ends = self.back_ends
        return Follower(ends.prometheus, ends.victorialogs, ends.jaeger, self.run_id, self.trace_id, now)

    def _resolved(self, check: Check, now: float) -> str:
        if not check.scope.dashboard:
            return check.text
        is_logsql = check.kind.startswith("victorialogs")
        return interpolate(check.text, self.values(check.scope.dashboard), check.scope, now=now, is_logsql=is_logsql)


def _label_values(runner: Runner, check: Check, text: str, now: float) -> Outcome:
    label = str(check.options["label"])
    return runner.keep(check, runner.back_ends.prometheus.label_values(label, text, check.scope, now))


def _query_result(runner: Runner, check: Check, text: str, now: float) -> Outcome:
    rows = runner.back_ends.prometheus.instant(text, now)
    return runner.keep(check, [f"{labels} {value}" for labels, value in rows])


def _metrics(runner: Runner, check: Check, text: str, now: float) -> Outcome:
    match = f'{{__name__=~"{text}"}}'
    return runner.keep(check, runner.back_ends.prometheus.label_values("__name__", match, check.scope, now))


def _exemplars(runner: Runner, check: Check, text: str, now: float) -> Outcome:
    return counted(len(runner.back_ends.prometheus.exemplars(text, check.scope, now)))


def _records(runner: Runner, check: Check, text: str, now: float) -> Outcome:
    limit = int(check.options.get("limit", 1000))
    return counted(len(runner.back_ends.victorialogs.records(text, check.scope, now, limit=limit)))


def _stats_range(runner: Runner, check: Check, text: str, now: float) -> Outcome:
    return counted(runner.back_ends.victorialogs.stats_range(text, check.scope, now, _step(check)))


def _hits(runner: Runner, check: Check, text: str, now: float) -> Outcome:
    fields = [str(one) for one in check.options.get("fields", [])]
    return counted(runner.back_ends.victorialogs.hits(text, check.scope, now, step=_step(check), fields=fields))


def _step(check: Check) -> str:
    step = str(check.options.get("step") or "")
    return step if step and "$" not in step else f"{check.scope.step_seconds:.0f}s"


def _field_values(runner: Runner, check: Check, text: str, now: float) -> Outcome:
    field_name = str(check.options["field"])
    return runner.keep(check, runner.back_ends.victorialogs.field_values(text, field_name, check.scope, now))


def _search(runner: Runner, check: Check, text: str, now: float) -> Outcome:
    values = runner.values(check.scope.dashboard)
    options = {name: interpolate(str(one), values, check.scope, now=now) for name, one in check.options.items()}
    return counted(runner.back_ends.jaeger.search(options, check.scope, now), text)


def _alerts(runner: Runner, check: Check, text: str, now: float) -> Outcome:
    by_name = {str(one["name"]): one for one in runner.sources.values()}
    name = str(check.options.get("datasource") or "")
    if name and name not in by_name:
        return Outcome(State.ERROR, 0, f"data source {name!r} is not provisioned. Use one of {', '.join(by_name)}.")
    if name and by_name[name].get("type") == "prometheus":
        return counted(len(runner.back_ends.prometheus.alerts()))
    return counted(len(runner.back_ends.alertmanager.alerts()))


Action = Callable[[Runner, Check, str, float], Outcome]
_ACTIONS: Final[Mapping[str, Action]] = {
    "prometheus instant": lambda own, _check, text, now: counted(len(own.back_ends.prometheus.instant(text, now))),
    "prometheus range": lambda own, check, text, now: counted(own.back_ends.prometheus.range(text, check.scope, now)),
    "prometheus exemplars": _exemplars,
    "prometheus label_values": _label_values,
    "prometheus query_result": _query_result,
    "prometheus metrics": _metrics,
    "prometheus alert": lambda own, _check, text, now: alert_outcome(own.back_ends.prometheus, text, now),
    "prometheus recording": lambda own, _check, text, now: recording_outcome(own.back_ends.prometheus, text, now),
    "prometheus rule": lambda own, _check, text, _now: loaded_outcome(own.back_ends.prometheus, text),
    "victorialogs instant": _records,
    "victorialogs stats": lambda own, check, text, now: counted(
        own.back_ends.victorialogs.stats(text, check.scope, now)
    ),
    "victorialogs statsRange": _stats_range,
    "victorialogs hits": _hits,
    "victorialogs field_values": _field_values,
    "victorialogs field_names": lambda own, check, text, now: own.keep(
        check, own.back_ends.victorialogs.field_names(text, check.scope, now)
    ),
    "jaeger search": _search,
    "jaeger trace": lambda own, _check, text, _now: counted(len(own.back_ends.jaeger.trace(text))),
    "jaeger dependencyGraph": lambda own, check, _text, now: counted(
        own.back_ends.jaeger.dependencies(check.scope, now)
    ),
    "alertmanager alerts": _alerts,
    "link exemplar → trace": lambda own, check, _text, now: own.follower(now).exemplar(check),
    "link log → trace": lambda own, check, _text, now: own.follower(now).log(check),
    "link trace → logs": lambda own, check, _text, now: own.follower(now).logs_of_trace(check),
    "link trace → metrics": lambda own, check, _text, now: own.follower(now).metrics_of_trace(check),
}
