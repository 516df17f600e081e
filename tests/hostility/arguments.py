"""Valid arguments of the public callables, by the name of the parameter or of the callable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from inspect import Parameter, signature, unwrap
from io import BytesIO
from typing import Any

from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan
from prometheus_client import CollectorRegistry

from flext_observability import (
    FlextAlert,
    FlextAlertRule,
    FlextContainer,
    FlextHealthCheck,
    FlextLogEntry,
    FlextMetric,
    FlextMetricsCollector,
    FlextObservabilityPlugin,
    FlextResult,
    FlextTrace,
    InMemoryStorage,
    MetricsCriteria,
)
from flext_observability.domain.report import LedgerSnapshot
from flext_observability.exporters.memory import MemoryFactory
from flext_observability.ops_server.auth import Credentials
from flext_observability.settings.config import with_defaults

Values = Mapping[str, Callable[[], object]]


def _alert() -> FlextAlert:
    return FlextAlert(name="disk_full", severity="error", message="m", details={"labels": {"disk": "a"}})


def _environ() -> dict[str, object]:
    return {"REQUEST_METHOD": "GET", "PATH_INFO": "/health", "SCRIPT_NAME": "", "wsgi.input": BytesIO()}


async def _receive() -> dict[str, object]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_message: object) -> None: ...


async def _work() -> FlextResult[int]:
    return FlextResult.ok(1)


BY_PARAMETER: Values = {
    "above": lambda: 1.0,
    "absent_seconds": lambda: None,
    "accept": lambda: "text/plain",
    "alert": _alert,
    "alerts": lambda: [_alert()],
    "attributes": lambda: {"a": 1},
    "below": lambda: None,
    "bounds": lambda: [1.0, 2.0],
    "by": lambda: ("disk",),
    "call": lambda: lambda: True,
    "carrier": lambda: {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
    "check": lambda: FlextHealthCheck(name="database"),
    "code": lambda: "error",
    "config": lambda: with_defaults({}),
    "container": FlextContainer,
    "collector": lambda: FlextMetricsCollector(process=False, system=False),
    "correlation_id": lambda: "request-1",
    "criteria": lambda: MetricsCriteria(name="shop.orders"),
    "data": lambda: 1,
    "deadline": lambda: 0.0,
    "default": lambda: 1,
    "defaults": lambda: None,
    "description": lambda: "Orders",
    "details": lambda: {"labels": {"disk": "a"}},
    "entity": lambda: FlextMetric(name="shop.orders", value=1),
    "entry": lambda: FlextLogEntry(level="info", message="m"),
    "entities": lambda: [FlextMetric(name="shop.orders", value=1)],
    "batch": list,
    "credentials": Credentials,
    "logger": lambda: None,
    "method_name": lambda: "info",
    "event_dict": lambda: {"event": "paid"},
    "environ": _environ,
    "error": lambda: None,
    "escalation": lambda: {"level": 2, "reason": "r"},
    "exception": lambda: ValueError("broken"),
    "factory": MemoryFactory,
    "fix": lambda: "Do this",
    "fn": lambda: FlextResult.ok,
    "function": lambda: lambda: 5,
    "generator_url": lambda: "http://127.0.0.1:1",
    "headers": lambda: {"a": "b"},
    "host": lambda: "127.0.0.1",
    "instance": object,
    "interval_seconds": lambda: 60.0,
    "kind": lambda: "metric",
    "key": lambda: "shop.order",
    "labels": lambda: {"a": "b"},
    "complete": lambda: True,
    "duration_seconds": lambda: 1.0,
    "ledger": lambda: dict,
    "level": lambda: "info",
    "limit": lambda: 10,
    "links": lambda: (INVALID_SPAN_CONTEXT,),
    "max_bytes": lambda: None,
    "max_entities": lambda: 10,
    "message": lambda: "message",
    "metric": lambda: FlextMetric(name="shop.orders", value=1),
    "metric_type": lambda: "gauge",
    "metrics": lambda: tuple,
    "name": lambda: "shop.orders",
    "notifier": lambda: lambda _alert: None,
    "mode": lambda: "sum",
    "objective_seconds": lambda: 0.3,
    "operation": lambda: "pay",
    "operation_name": lambda: "pay",
    "parent": lambda: NonRecordingSpan(INVALID_SPAN_CONTEXT),
    "parent_trace_id": lambda: "0af7651916cd43dd8448eb211c80319c",
    "password": lambda: None,
    "path": lambda: ":memory:",
    "plugin": FlextObservabilityPlugin,
    "port": lambda: 0,
    "probe": lambda: "ready",
    "record_fn": lambda: lambda _value, _attributes, _context: None,
    "receive": lambda: _receive,
    "registry": CollectorRegistry,
    "rule": lambda: FlextAlertRule("rule", metric="shop.orders", above=1),
    "rules": lambda: (FlextAlertRule("rule", metric="shop.orders", above=1),),
    "scope": lambda: {"type": "http", "method": "GET", "path": "/health", "headers": []},
    "secret": lambda: "secret",
    "send": lambda: _send,
    "service_name": lambda: "shop",
    "severities": lambda: ["error"],
    "severity": lambda: "error",
    "signal": lambda: "traces",
    "since": lambda: datetime.now(UTC),
    "source": lambda: "node-1",
    "span_kind": lambda: "server",
    "start_response": lambda: lambda *_: lambda _body: None,
    "status": lambda: "healthy",
    "storage": InMemoryStorage,
    "store_size": lambda: 10,
    "tags": lambda: {"a": "b"},
    "timeout_seconds": lambda: 0.1,
    "token": lambda: None,
    "trace": lambda: FlextTrace(operation_name="pay", service_name="shop"),
    "unit": lambda: "s",
    "until": lambda: None,
    "url": lambda: "http://127.0.0.1:1",
    "username": lambda: None,
    "value": lambda: 1.5,
    "values": lambda: {"shop.orders": {"value": 1}},
    "work": lambda: _work,
}
BY_CALLABLE: Mapping[str, Values] = {
    "EngineSpan.add_link": {"context": lambda: INVALID_SPAN_CONTEXT},
    "FlextAlertRule": {"by": tuple, "message": lambda: "{value}"},
    "FlextObservabilityConfig": {},
    "FlushReport": {"ledger": LedgerSnapshot},
    "ShutdownReport": {"ledger": LedgerSnapshot},
    "SignalStatus": {"state": lambda: "active"},
    "FlextTrace": {"status": lambda: "unset"},
    "FlextAlert": {"status": lambda: "active"},
    "FlextMetric": {"timestamp": lambda: datetime.now(UTC)},
}


def valid_arguments(label: str, parameters: Mapping[str, Parameter]) -> dict[str, Callable[[], object]]:
    """Return functions that make valid arguments.

    Raises:
        LookupError: A parameter without a default has no known valid argument. Add one to this module.
    """
    known = {**BY_PARAMETER, **BY_CALLABLE.get(label, {})}
    valid: dict[str, Callable[[], object]] = {}
    for name, parameter in parameters.items():
        if parameter.kind in {Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL}:
            continue
        if parameter.default is Parameter.empty:
            if name not in known:
                raise LookupError(f"No valid argument is known for {name} of {label}")
            valid[name] = known[name]
        elif name in known and parameter.default is None:
            valid[name] = known[name]
    return valid


def call(function: Callable[..., Any], parameters: Mapping[str, Parameter], given: Mapping[str, object]) -> Any:
    """Call a function with arguments by name, those without a keyword by position."""
    positional: list[object] = []
    keywords = dict(given)
    for name, parameter in parameters.items():
        if (parameter.kind is Parameter.POSITIONAL_ONLY and name in keywords) or (
            parameter.kind is Parameter.VAR_POSITIONAL and name in keywords
        ):
            positional.append(keywords.pop(name))
        elif parameter.kind is Parameter.POSITIONAL_ONLY:
            break
    return function(*positional, **keywords)


def parameters_of(function: Callable[..., Any]) -> Mapping[str, Parameter]:
    """Return the parameters of a callable by name, the fields of ``**options: Unpack[...]`` among them."""
    parameters = dict(signature(function).parameters)
    for name, parameter in list(parameters.items()):
        if str(parameter.annotation).startswith("Unpack["):
            options = unwrap(getattr(function, "__func__", function)).__globals__[str(parameter.annotation)[7:-1]]
            del parameters[name]
            parameters |= {
                each: Parameter(each, Parameter.KEYWORD_ONLY, default=None) for each in options.__annotations__
            }
    return parameters
