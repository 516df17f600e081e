"""Declarations of the program → files for other tools: alert rules for Prometheus, a dashboard for Grafana."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from flext_observability.api.declarations import declarations
from flext_observability.api.start import get_observability
from flext_observability.domain.alert_rule import FlextAlertRule
from flext_observability.domain.guard import never_raises
from flext_observability.domain.result import FlextResult
from flext_observability.values.dataclass import dataclass
from flext_observability.values.encoding import preview
from flext_observability.values.foreign import copy_mapping, is_a, is_mapping, plain_text, read_all
from flext_observability.wire.prometheus.rules.check import CheckedRules, check_rules
from flext_observability.wire.prometheus.rules.promql import QueryScope
from flext_observability.wire.prometheus.rules.rule_file import RuleGroup, rule_file

if TYPE_CHECKING:
    from flext_observability.domain.declaration import Declarations

_EXPORTS_IN_WINDOW = 4
"""Pushes in the range of ``rate()``: two are necessary, and one may be late."""
_MAX_TEXT_LENGTH = 2048
_MAX_UID_LENGTH = 40
_NOT_UID = re.compile(r"[^a-zA-Z0-9_-]+")
_GRAFANA_PACKAGE = "grafana_foundation_sdk"
_GRAFANA_FIX = 'pip install "flext-observability[grafana]"'


@dataclass(frozen=True, slots=True)
class _Options:
    """Valid options.

    Attributes:
        service_name: Service whose series the rules read; None for that of the program, empty for all.
        texts: Further texts, by name of the argument.
        attributes: Names of the attributes of metrics.
        across_processes: Whether ``combine`` combines the series of all processes.
    """

    service_name: str | None
    texts: Mapping[str, str]
    attributes: Mapping[str, tuple[str, ...]]
    across_processes: bool


@never_raises
def flext_prometheus_rules(
    rules: Sequence[FlextAlertRule] | None = None,
    *,
    service_name: str | None = None,
    owner: str = "",
    runbook_url: str = "",
    attributes: Mapping[str, Sequence[str]] | None = None,
    across_processes: bool = False,
) -> FlextResult[str]:
    """Return alert rules as a rule file for Prometheus. Names of metrics and attributes are checked.

    Args:
        rules: The rules; default: those of the active handle.
        service_name: Only series of this service; default: that of the program. Empty: of all services.
        owner: Label ``owner`` of each alert.
        runbook_url: Annotation ``runbook_url`` of each alert, with ``{name}`` for the name of the rule.
        attributes: All names of attributes of a metric, by name of the metric. Without, a name is checked against
            those that the process has recorded.
        across_processes: Whether ``combine`` combines the series of all processes instead of those of each process.

    Returns:
        The text of the file, with comments about what was not checked; or a failure: ``invalid_alert_rule`` (one
        line for each problem, with the nearest name), ``invalid_argument``, ``not_started`` (no rules were given).
    """
    texts = {"owner": owner, "runbook_url": runbook_url}
    options = _read_options(service_name, texts, attributes, across_processes=across_processes)
    return options.flat_map(lambda valid: _valid_rules(rules).flat_map(lambda found: _generate(found, valid)))


@never_raises
def flext_grafana_dashboard(
    *,
    title: str = "",
    uid: str = "",
    service_name: str | None = None,
    attributes: Mapping[str, Sequence[str]] | None = None,
) -> FlextResult[str]:
    """Return a Grafana dashboard, as JSON, with panels for each instrument that the program has created.

    Needs the package ``flext-observability[grafana]``.

    Args:
        title: Title of the dashboard; default: the name of the service.
        uid: Its uid, 1 to 40 letters, digits, ``-`` and ``_``; default: from the title.
        service_name: Service that is selected at first; default: that of the program. Empty: all services.
        attributes: All names of attributes of a metric, by name of the metric, which its panels show.

    Returns:
        The text of the file; or a failure: ``invalid_argument``, ``missing_package``, ``no_instruments``.
    """
    return _read_options(service_name, {"title": title, "uid": uid}, attributes).flat_map(_dashboard)


def _dashboard(options: _Options) -> FlextResult[str]:
    declared = declarations(options.attributes)
    service = declared.service_name if options.service_name is None else options.service_name
    title = options.texts["title"] or service or "Instruments"
    uid = options.texts["uid"] or _NOT_UID.sub("-", title)[:_MAX_UID_LENGTH]
    if _NOT_UID.search(uid) or len(uid) > _MAX_UID_LENGTH:
        message, fix = f"Invalid uid: {preview(uid)}", "Use 1 to 40 letters, digits, '-' and '_'"
        return FlextResult[str].fail(message, code="invalid_argument", fix=fix)
    if not declared.instruments:
        message, fix = "The program declares no instruments", "Create them where the module is imported"
        return FlextResult[str].fail(message, code="no_instruments", fix=fix)
    try:
        from flext_observability.wire.grafana.dashboard import dashboard_json
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != _GRAFANA_PACKAGE:
            raise
        message, fix = "The package grafana-foundation-sdk is not installed", _GRAFANA_FIX
        return FlextResult[str].fail(message, code="missing_package", fix=fix)
    return FlextResult.ok(dashboard_json(declared, title, uid, service))


def _generate(rules: Sequence[FlextAlertRule], options: _Options) -> FlextResult[str]:
    declared = declarations(options.attributes)
    return check_rules(rules, declared).map(lambda checked: _text(checked, declared, options))


def _text(checked: CheckedRules, declared: Declarations, options: _Options) -> str:
    service = declared.service_name if options.service_name is None else options.service_name
    scope = QueryScope(
        service,
        window_seconds=max(declared.evaluation_seconds, _EXPORTS_IN_WINDOW * declared.export_seconds),
        evaluation_seconds=declared.evaluation_seconds,
        across_processes=options.across_processes,
        native_histograms=declared.native_histograms,
    )
    name = service or declared.service_name or "alerts"
    group = RuleGroup(name, declared.evaluation_seconds, scope, **options.texts)
    return rule_file(checked.rules, group, checked.notes)


def _valid_rules(rules: object) -> FlextResult[tuple[FlextAlertRule, ...]]:
    if rules is None:
        return get_observability().flat_map(lambda active: active.alerts.rules())
    if not issubclass(type(rules), list | tuple):
        return FlextResult[tuple[FlextAlertRule, ...]].fail(
            f"Invalid rules: {preview(rules)}", code="invalid_argument", fix="Pass a list of FlextAlertRule"
        )
    given = tuple(read_all(cast("Sequence[object]", rules)))
    for rule in given:
        if not is_a(rule, FlextAlertRule):
            message, fix = f"Invalid alert rule: {preview(rule)}", "Pass a FlextAlertRule"
            return FlextResult[tuple[FlextAlertRule, ...]].fail(message, code="invalid_alert_rule", fix=fix)
    found = cast("tuple[FlextAlertRule, ...]", given)
    checks = (rule.validate_business_rules() for rule in found)
    failure = next((check for check in checks if check.is_failure), None)
    return FlextResult.ok(found) if failure is None else cast("FlextResult[tuple[FlextAlertRule, ...]]", failure)


def _read_options(
    service_name: object, texts: Mapping[str, object], attributes: object, *, across_processes: object = False
) -> FlextResult[_Options]:
    """Return the options as plain values, or a failure that names the first invalid one."""
    for name, value in {"service_name": "" if service_name is None else service_name, **texts}.items():
        text = plain_text(value)
        if text is None or len(text) > _MAX_TEXT_LENGTH:
            return _invalid(name, value, f"Use text of at most {_MAX_TEXT_LENGTH} characters")
    names = _attribute_names(attributes)
    if names is None:
        return _invalid("attributes", attributes, "Use a mapping from metric names to lists of attribute names")
    if across_processes is not True and across_processes is not False:
        return _invalid("across_processes", across_processes, "Use True or False")
    service = None if service_name is None else plain_text(service_name)
    plain = {name: plain_text(value) or "" for name, value in texts.items()}
    return FlextResult.ok(_Options(service, plain, names, across_processes))


def _attribute_names(given: object) -> dict[str, tuple[str, ...]] | None:
    if given is None:
        return {}
    if not is_mapping(given):
        return None
    found: dict[str, tuple[str, ...]] = {}
    for metric, names in copy_mapping(given).items():
        if type(metric) is not str or not issubclass(type(names), list | tuple):
            return None
        each = tuple(read_all(cast("Sequence[object]", names)))
        if any(type(name) is not str for name in each):
            return None
        found[metric] = cast("tuple[str, ...]", each)
    return found


def _invalid(name: str, value: object, fix: str) -> FlextResult[_Options]:
    return FlextResult[_Options].fail(f"Invalid {name}: {preview(value)}", code="invalid_argument", fix=fix)
