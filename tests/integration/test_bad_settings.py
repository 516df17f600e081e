"""Invalid arguments, invalid variables and a port in use: no exception, and result or status have a fix."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from flext_observability import init_observability
from tests.backends.collector import collector
from tests.integration.bad_input import record, start

INVALID: dict[str, tuple[Any, str, str]] = {
    "sample_ratio": (7, "7", "from 0 to 1"),
    "otlp_headers": ("authorization Bearer x", "authorization Bearer x", "name=value"),
    "otlp_endpoint": ("ftp://collector", "ftp://collector", "http://localhost:4318"),
    "otlp_protocol": ("carrier", "carrier", "grpc"),
    "otlp_compression": ("zip", "zip", "gzip"),
    "prometheus_port": (70000, "70000", "65535"),
    "exporters": ("pigeon", "pigeon", "otlp_http"),
    "log_level": ("LOUD", "LOUD", "WARNING"),
    "metrics_exemplar_filter": ("some", "some", "trace_based"),
    "propagators": ("smoke", "smoke", "tracecontext"),
    "sampler": ("sometimes", "sometimes", "always_on"),
    "traces_max_queue_size": (0, "0", "1"),
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_argument_is_named_with_the_allowed_values(name: str) -> None:
    value, _, allowed = INVALID[name]
    arguments: Any = {"exporters": "none", name: value}
    result = init_observability(console=False, **arguments)
    if result.success:  # names of other packages are looked up at start
        status = result.unwrap().status()["traces"]
        assert str(value) in "".join(notice.message for notice in status.notices)
        assert any(notice.fix and notice.degrades for notice in status.notices)
        assert name in {"propagators", "sampler"}
        return
    assert result.code in {"invalid_settings", "unknown_exporter"}
    assert name.removesuffix("s") in (result.error or "")
    assert allowed in (result.error or "")


@pytest.mark.parametrize("name", INVALID)
def test_invalid_variable_is_a_notice_with_a_fix(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, preview, allowed = INVALID[name]
    variable = f"FLEXT_OBSERVABILITY_{name.upper()}"
    for signal in ("TRACES", "METRICS", "LOGS"):
        monkeypatch.setenv(f"OTEL_{signal}_EXPORTER", "none")
    monkeypatch.setenv(variable, str(value))
    status = init_observability(console=False).unwrap().status()
    notices = [notice for each in status.values() for notice in each.notices if notice.degrades]
    messages = " ".join(notice.message + notice.fix for notice in notices)
    assert variable in messages or name in {"exporters", "propagators", "sampler"}
    if name != "otlp_headers":  # header values are secret
        assert preview in messages
    assert allowed in messages or name == "propagators"
    assert all(notice.fix for notice in notices)


def test_port_in_use_does_not_affect_other_exporters() -> None:
    with collector() as received, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        handle = start(
            exporters=["otlp", "prometheus"],
            prometheus_host="127.0.0.1",
            prometheus_port=port,
            otlp_endpoint=received.url,
        )
        record()
        assert handle.flush(5).unwrap().complete
        status = handle.status()
    assert status["metrics"].state == "degraded"
    assert str(port) in status["metrics"].reason
    assert "another port" in status["metrics"].fix
    assert (status["traces"].state, status["logs"].state) == ("active", "active")
    assert [metric.name for metric in received.metrics()] == ["one"]
