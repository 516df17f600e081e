"""Commands of the stack as processes, on a machine where something is missing. Needs no stack."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from monitoring.control.commands import COMMANDS
from monitoring.control.suites import SUITES
from monitoring.native.grafana import write_provisioning
from monitoring.native.places import REPOSITORY, Places
from tests.monitoring.stand_in import free_port

ORIGINAL = """observability-init observability-validate observability-test monitoring-setup prometheus-start
grafana-setup jaeger-start alertmanager-config metrics-collect traces-start alerts-configure health-monitor
test-observability
test-monitoring test-metrics-e2e test-tracing-distributed test-alerts-integration test-health-monitoring"""

FAKE_GRAFANA = """#!{python}
import http.server, json, os, pathlib, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({{"database": "ok", "version": "13.1.0"}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
given = dict(os.environ)
pathlib.Path(given["GF_PATHS_DATA"]).joinpath("seen.json").write_text(json.dumps([sys.argv[1:], given]))
http.server.HTTPServer((given["GF_SERVER_HTTP_ADDR"], int(given["GF_SERVER_HTTP_PORT"])), Page).serve_forever()
"""


def run(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command with an empty cache and an unused port offset."""
    own = {
        "FLEXT_STACK_ENGINE": "native",
        "FLEXT_STACK_CACHE": str(folder / "cache"),
        "FLEXT_STACK_PORT_OFFSET": str(free_port() % 20_000 + 20_000),
        "COLUMNS": "200",
    }
    kept = {
        name: value for name, value in os.environ.items() if name not in {"FLEXT_STACK_STATE", "COLLECTOR_OVERLAYS"}
    }
    return subprocess.run(
        [sys.executable, "-m", "monitoring.control", *words],
        cwd=REPOSITORY,
        env=kept | own | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_every_command_of_the_original_design_exists() -> None:
    assert set(ORIGINAL.split()) <= set(COMMANDS)


@pytest.mark.parametrize("name", sorted(SUITES))
def test_a_test_command_has_existing_files(name: str) -> None:
    patterns = SUITES[name].patterns
    assert [path for pattern in patterns for path in REPOSITORY.glob(pattern)]


def test_without_docker_and_go_setup_names_both_with_their_addresses(tmp_path: Path) -> None:
    answer = run(tmp_path, "monitoring-setup", PATH=str(tmp_path), FLEXT_STACK_ENGINE="")
    assert answer.returncode == 1
    assert "This machine cannot run the stack: docker is not on PATH; and Go is not on PATH" in answer.stdout
    assert "https://docs.docker.com/engine/install/" in answer.stdout
    assert "Go 1.26 or newer" in answer.stdout
    assert "https://go.dev/dl/" in answer.stdout
    assert answer.stderr == ""
    assert not (tmp_path / "cache").exists()


def test_health_monitor_fails_and_names_the_parts_that_are_down(tmp_path: Path) -> None:
    answer = run(tmp_path, "health-monitor")
    assert answer.returncode == 1
    assert "jaeger, prometheus, webhook, alertmanager, pushgateway, victorialogs, collector: are down" in answer.stdout
    assert "Run `make monitoring-setup`" in answer.stdout


def test_health_monitor_warns_of_a_nearly_full_disk(tmp_path: Path, small_disk: Path) -> None:
    answer = run(tmp_path, "health-monitor", FLEXT_STACK_STATE=str(small_disk))
    assert f"0 MB are free in {small_disk}. Free space before the stores stop." in answer.stdout


@pytest.mark.parametrize("command", ["metrics-collect", "alertmanager-config", "alerts-configure"])
def test_a_command_without_its_parts_names_the_next_command(tmp_path: Path, command: str) -> None:
    answer = run(tmp_path, command)
    assert answer.returncode == 1
    assert "make monitoring-setup" in answer.stdout or "make stack-install" in answer.stdout
    assert answer.stderr == ""


@pytest.mark.parametrize("value", ["0", "soon", "-3", "nan"])
def test_an_invalid_interval_is_rejected(tmp_path: Path, value: str) -> None:
    answer = run(tmp_path, "health-monitor", "--watch", value)
    assert answer.returncode == 2
    assert "use 0.2 to 86400 seconds" in answer.stderr


def test_grafana_setup_without_grafana_writes_its_files_and_prints_what_to_do(tmp_path: Path) -> None:
    answer = run(tmp_path, "grafana-setup", FLEXT_STACK_STATE=str(tmp_path / "state"), PATH=str(tmp_path))
    assert answer.returncode == 0, answer.stdout
    folder = tmp_path / "state" / "grafana" / "config"
    assert f"GF_PATHS_PROVISIONING={folder / 'provisioning'}" in answer.stdout
    assert "`grafana` is not on PATH" in answer.stdout
    assert list((folder / "dashboards").glob("*.json"))


def test_grafana_setup_starts_the_grafana_on_the_path_and_stack_down_stops_it(tmp_path: Path) -> None:
    programs = tmp_path / "home" / "bin"
    programs.mkdir(parents=True)
    (tmp_path / "home" / "conf").mkdir()
    (programs / "grafana").write_text(FAKE_GRAFANA.format(python=sys.executable), encoding="utf-8")
    (programs / "grafana").chmod(0o755)
    own = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "FLEXT_STACK_STATE": str(tmp_path / "state"),
        "FLEXT_STACK_PORT_OFFSET": str(free_port() % 20_000 + 20_000),
    }
    try:
        answer = run(tmp_path, "grafana-setup", **own)
        assert answer.returncode == 0, answer.stdout
        assert "Grafana 13.1.0 is on http://127.0.0.1:" in answer.stdout
        words, seen = yaml.safe_load(
            (tmp_path / "state" / "grafana" / "data" / "seen.json").read_text(encoding="utf-8")
        )
        targets = (tmp_path / "state" / "prometheus" / "config" / "targets" / "stack.yml").read_text(encoding="utf-8")
        assert '"job": "grafana"' in targets
        assert words == ["server", "--homepath", str(tmp_path / "home")]
        assert seen["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
        assert seen["GF_SECURITY_ADMIN_PASSWORD"].endswith("monitoring/secrets/grafana-admin-password}")
    finally:
        stopped = run(tmp_path, "stack-down", **own)
    assert "grafana      stopped in" in stopped.stdout


def test_provisioning_has_loopback_addresses_and_folders_of_this_machine(tmp_path: Path) -> None:
    places = Places(cache=tmp_path, state=tmp_path, port_offset=1000)
    folder = write_provisioning(places)
    sources = yaml.safe_load((folder / "provisioning" / "datasources" / "stack.yml").read_text(encoding="utf-8"))
    assert {source["uid"]: source["url"] for source in sources["datasources"]} == {
        "prometheus": "http://127.0.0.1:10090",
        "jaeger": "http://127.0.0.1:17686",
        "victorialogs": "http://127.0.0.1:10428",
        "alertmanager": "http://127.0.0.1:10093",
    }
    texts = [file.read_text(encoding="utf-8") for file in (folder / "provisioning").rglob("*.yml")]
    assert str(folder / "dashboards") in "".join(texts)
    assert "/etc/grafana" not in "".join(texts)
    assert "$${__trace.traceId}" in "".join(texts), "Grafana expands variables itself"
