from __future__ import annotations

import asyncio
import json
import logging
import socket
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any, cast

import pytest
from opentelemetry import metrics

from flext_observability import FlextAlertRule, init_observability, ops_wsgi_app, register_exporter, start_ops_server
from flext_observability.ops_server.server import OpsServer
from tests.fakes import OneExporterFactory, ScriptedExporter
from tests.hostile import Hostile

MEMORY: Mapping[str, Any] = {"exporters": "memory", "console": False}


def get(server: OpsServer, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    request = urllib.request.Request(server.address + path, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def known(server: OpsServer, path: str) -> Any:
    return json.loads(get(server, path)[1])


def test_the_pages_follow_the_start_and_the_end() -> None:
    with start_ops_server(port=0).unwrap() as server:
        paths = ("/metrics", "/health", "/health/ready", "/health/startup", "/status", "/health/live")
        before = [get(server, path)[0] for path in paths]
        handle = init_observability(**MEMORY).unwrap()
        meanwhile = [get(server, path)[0] for path in paths]
        handle.shutdown()
        after = [get(server, path)[0] for path in paths]
    assert before == after == [503, 503, 503, 503, 503, 200]
    assert meanwhile == [200] * 6


def test_metrics_are_shown_without_the_exporter_for_pages() -> None:
    with init_observability(service_name="doors", **MEMORY).unwrap(), start_ops_server(port=0).unwrap() as server:
        metrics.get_meter("t").create_counter("doors.opened").add(3)
        assert 'doors_opened_total{otel_scope_name="t"} 3.0' in get(server, "/metrics")[1]
        assert 'doors_opened_total{otel_scope_name="t"} 3.0' in get(server, "/metrics")[1]


def test_without_metrics_the_page_has_the_reason() -> None:
    with init_observability(metrics_enabled=False, **MEMORY).unwrap(), start_ops_server(port=0).unwrap() as server:
        status, text = get(server, "/metrics")
    assert (status, json.loads(text)["code"]) == (503, "metrics_off")


def test_health_shows_checks_and_telemetry() -> None:
    with init_observability(**MEMORY).unwrap() as handle, start_ops_server(port=0).unwrap() as server:
        handle.health.register_check("database", lambda: False, probes=["ready"], cache_seconds=0)
        health = known(server, "/health")
        statuses = [get(server, f"/health{probe}")[0] for probe in ("", "/live", "/ready", "/startup")]
        handle.health.unregister_check("database")
        assert get(server, "/health")[0] == 200
    assert (health["status"], health["reasons"]) == ("unhealthy", ["database is unhealthy"])
    assert health["checks"]["telemetry"]["status"] == "healthy"
    assert health["checks"]["telemetry"]["details"]["traces"] == "active"
    assert statuses == [503, 200, 503, 200]


def test_health_as_a_wsgi_page_in_the_thread_of_an_event_loop() -> None:
    async def main() -> list[str]:
        replies: list[str] = []
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/health/ready", "SERVER_NAME": "localhost"}

        def start(status: str, headers: object, error: object = None, /) -> Callable[[bytes], object]:
            replies.append(status)
            return bytes

        b"".join(ops_wsgi_app()(environ, start))
        return replies

    with init_observability(**MEMORY).unwrap():
        assert asyncio.run(main()) == ["200 OK"]


def test_failing_telemetry_degrades_health_but_no_probe() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with (
            init_observability(exporters="prometheus", prometheus_port=port, console=False).unwrap(),
            start_ops_server(port=0).unwrap() as server,
        ):
            health, ready = known(server, "/health"), known(server, "/health/ready")
    assert health["status"] == "degraded"
    assert "metrics degraded: The metrics page is not served" in health["reasons"][0]
    assert ready["status"] == "healthy"


def test_status_shows_the_configuration_without_secrets() -> None:
    register_exporter("secretive", OneExporterFactory(lambda signal: ScriptedExporter(), {"traces"}))
    arguments: dict[str, Any] = {
        "otlp_headers": {"authorization": "hidden"},
        "ops_token": "",
        "ops_password": "",
        "resource_attributes": {"db.password": "hidden", "team": "shop"},
        "console": False,
    }
    with (
        init_observability(service_name="shown", exporters="secretive", **arguments).unwrap() as handle,
        start_ops_server(port=0).unwrap() as server,
    ):
        handle.health.register_check("disk", lambda: True)
        text = get(server, "/status")[1]
    status = json.loads(text)
    assert "hidden" not in text
    assert status["resource"]["service.name"] == "shown"
    assert status["signals"]["traces"]["exporters"] == ["secretive"]
    assert status["settings"]["service_name"] == {"value": "shown", "source": "argument"}
    assert status["health"]["disk"]["message"] == "not run yet"
    assert status["plugins"] == []


def test_status_shows_notifiers_and_rules() -> None:
    with init_observability(**MEMORY).unwrap() as handle, start_ops_server(port=0).unwrap() as server:
        handle.alerts.add_notifier("pager", lambda alert: None)
        handle.alerts.add_rule(FlextAlertRule("cpu_high", metric="cpu", above=0.8))
        status = known(server, "/status")
    assert "pager" in json.dumps(status["notifiers"])
    assert "cpu_high" in json.dumps(status["rules"])


BEARER = {"Authorization": "Bearer t0ken"}


class TestCredentials:
    def test_credentials_of_the_settings_apply_to_every_server(self) -> None:
        settings: dict[str, Any] = {"exporters": "prometheus", "prometheus_port": 0, "console": False}
        with (
            init_observability(ops_token="t0ken", **settings).unwrap() as handle,
            start_ops_server(port=0).unwrap() as server,
        ):
            assert [get(server, "/status", headers)[0] for headers in ({}, BEARER)] == [401, 200]
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(handle.ops_address + "/metrics", timeout=5)

    def test_user_name_and_password_of_the_settings_are_accepted(self) -> None:
        basic = {"Authorization": f"Basic {b64encode(b'prometheus:secret').decode()}"}
        with (
            init_observability(ops_username="prometheus", ops_password="secret", **MEMORY).unwrap(),
            start_ops_server(port=0).unwrap() as server,
        ):
            assert [get(server, "/status", headers)[0] for headers in ({}, BEARER, basic)] == [401, 401, 200]

    def test_credentials_of_the_call_win(self) -> None:
        with (
            init_observability(ops_token="other", **MEMORY).unwrap(),
            start_ops_server(port=0, token="t0ken").unwrap() as server,
            start_ops_server(port=0, token="", username="").unwrap() as unguarded,
        ):
            assert [get(server, "/status", headers)[0] for headers in ({}, BEARER)] == [401, 200]
            assert get(unguarded, "/status")[0] == 200

    def test_a_credential_that_cannot_be_read_fits_no_request(self) -> None:
        with start_ops_server(port=0, token=cast("str", Hostile())).unwrap() as server:
            assert [get(server, "/status", headers)[0] for headers in ({}, BEARER)] == [401, 401]

    def test_a_credential_of_any_type_is_read_once(self) -> None:
        class Token(str):
            __slots__ = ()

            def encode(self, encoding: str = "", errors: str = "") -> bytes:
                raise AssertionError("called by a request")

        for token in (Token("t0ken"), cast("str", PurePosixPath("t0ken"))):
            with start_ops_server(port=0, token=token).unwrap() as server:
                assert get(server, "/", BEARER)[0] == 200


class TestHost:
    FOREIGN: Mapping[str, str] = {"Host": "shop.example.com:9464"}

    def test_foreign_host_is_refused_on_every_page(self) -> None:
        with init_observability(**MEMORY).unwrap(), start_ops_server(port=0).unwrap() as server:
            paths = ("/metrics", "/health", "/health/live", "/health/ready", "/health/startup", "/status", "/")
            statuses = {get(server, path, self.FOREIGN)[0] for path in paths}
        assert statuses == {403}

    def test_hosts_of_the_settings_are_accepted(self) -> None:
        with (
            init_observability(ops_allowed_hosts=[".example.com"], **MEMORY).unwrap(),
            start_ops_server(port=0).unwrap() as server,
        ):
            assert get(server, "/status", self.FOREIGN)[0] == 200

    def test_host_is_checked_by_the_server_of_the_exporter(self) -> None:
        settings: dict[str, Any] = {"exporters": "prometheus", "prometheus_port": 0, "console": False}
        with init_observability(**settings).unwrap() as handle:
            request = urllib.request.Request(handle.ops_address + "/metrics", headers=dict(self.FOREIGN))
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(request, timeout=5)
        with init_observability(ops_allowed_hosts="shop.example.com", **settings).unwrap() as handle:
            request = urllib.request.Request(handle.ops_address + "/metrics", headers=dict(self.FOREIGN))
            assert urllib.request.urlopen(request, timeout=5).status == 200

    def test_credentials_allow_every_host_of_an_exposed_server(self) -> None:
        with start_ops_server(host="0.0.0.0", port=0, token="t0ken").unwrap() as server:
            assert get(server, "/health/live", self.FOREIGN)[0] == 200


class TestStart:
    def test_a_used_port_is_a_failure_with_the_fix(self) -> None:
        with start_ops_server(port=0).unwrap() as server:
            result = start_ops_server(port=server.port)
        assert (result.code, "another port" in str(result.error)) == ("port_taken", True)

    @pytest.mark.parametrize("given", [{"host": 5}, {"port": "9464"}, {"port": True}, {"host": None}])
    def test_invalid_arguments_are_a_failure(self, given: dict[str, Any]) -> None:
        assert start_ops_server(**given).code == "invalid_argument"

    def test_an_address_object_that_always_raises_is_a_failure(self) -> None:
        self.test_invalid_arguments_are_a_failure({"host": Hostile()})
        self.test_invalid_arguments_are_a_failure({"port": Hostile()})

    @pytest.mark.parametrize("given", [{"port": -1}, {"port": 70_000}, {"host": "nowhere.invalid"}])
    def test_an_impossible_address_is_a_failure(self, given: dict[str, Any]) -> None:
        assert start_ops_server(**given).code == "cannot_listen"

    def test_an_exposed_server_without_credentials_logs_a_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.WARNING)
        start_ops_server(host="0.0.0.0", port=0).unwrap().stop()
        assert len(caplog.messages) == 1
        assert "without credentials. Set ops_token" in caplog.messages[0]
        start_ops_server(host="0.0.0.0", port=0, token="t").unwrap().stop()
        assert len(caplog.messages) == 1

    def test_an_exposed_page_of_the_settings_is_a_notice(self) -> None:
        settings: dict[str, Any] = {"exporters": "prometheus", "prometheus_port": 0, "console": False}
        with init_observability(prometheus_host="0.0.0.0", **settings).unwrap() as handle:
            status = handle.status()["metrics"]
        notices = [
            notice for notice in status.notices if "without credentials" in str(notice)
        ]  # among conflicts of others
        assert (status.state, len(notices)) == ("active", 1)
