"""The Docker engine with a fake `docker` program: its arguments, its answers, and health pages on loopback."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from monitoring.control import alerting, grafana, health, setting_up
from monitoring.control.choice import choose_engine
from monitoring.control.context import Context
from monitoring.control.docker import DockerEngine
from monitoring.control.report import Report
from monitoring.native.grafana import described
from monitoring.native.parts import ALERTMANAGER, COMPOSE, GRAFANA, JAEGER, PROMETHEUS, running_parts
from monitoring.native.places import REPOSITORY, Places, StackError, places_from
from tests.monitoring.fake_docker import FakeDocker, make_fake_docker
from tests.monitoring.stand_in import text_of

FILES = ("docker-compose.monitoring.yml", ".env", "otel-collector.yaml", "monitoring/prometheus/prometheus.yml")


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answer = (
            [] if self.path.startswith("/api/v2/") else {"database": "ok", "version": "13.1.0", "data": {"alerts": []}}
        )
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (name of the base class)
        del format, args


def free_offset() -> int:
    """Return a port offset at which all published health ports are free."""
    for offset in range(21_000, 45_000, 37):
        try:
            for port in health_ports(offset):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return offset
    raise AssertionError("no free ports")


def health_ports(offset: int) -> list[int]:
    parts = [part for part in (*running_parts(), described()) if part is not JAEGER]
    names = [(part.run.ports, part.run.health[0]) for part in parts if part.run]
    jaeger = JAEGER.run.ports["http"] if JAEGER.run else 0
    return [ports[name] + offset for ports, name in names] + [jaeger + offset]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    fake = make_fake_docker(tmp_path / "programs")
    monkeypatch.setenv("PATH", fake.path)
    return fake


@pytest.fixture
def engine(tmp_path: Path, docker: FakeDocker) -> DockerEngine:
    repository = tmp_path / "repository"
    for name in FILES:
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, repository / name)
    places = Places(cache=tmp_path / "cache", state=tmp_path / "state", port_offset=5, repository=repository)
    made = DockerEngine(places)
    assert made.places.port_offset == 0, "the compose file publishes fixed ports"
    return made


@pytest.fixture
def pages(engine: DockerEngine) -> Iterator[None]:
    """Serve all health pages, at ports that no other stack uses."""
    offset = free_offset()
    engine.places = replace(engine.places, port_offset=offset)
    servers = [ThreadingHTTPServer(("127.0.0.1", port), _Page) for port in health_ports(offset)]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def context(engine: DockerEngine) -> Context:
    return Context(engine, "chosen by the test", Report(Console(file=io.StringIO(), width=200)))


def printed(context: Context) -> str:
    return text_of(context.report.console)


def container(service: str, state: str = "running", status: str = "healthy") -> str:
    return json.dumps({"Service": service, "State": state, "Health": status}) + "\n"


@pytest.mark.usefixtures("pages")
def test_setup_pulls_starts_and_waits_for_every_part(context: Context, docker: FakeDocker) -> None:
    assert setting_up.monitoring_setup(context) == 0
    assert docker.calls("pull") == [["--quiet"]]
    assert docker.calls("up") == [["--detach", "--wait", "--wait-timeout", "300"]]
    text = printed(context)
    assert "monitoring/secrets/grafana-admin-password: made" in text
    assert "Docker Compose version v2.40.3" in text
    assert "8 parts are healthy" in text
    assert all(f"{part.name:<12} healthy" in text for part in (*running_parts(), GRAFANA))


@pytest.mark.usefixtures("pages")
def test_one_part_is_started_by_its_service_name(context: Context, docker: FakeDocker) -> None:
    context.start((JAEGER,))
    assert docker.calls("up") == [["--detach", "--wait", "--wait-timeout", "300", "jaeger"]]


@pytest.mark.usefixtures("pages")
def test_grafana_setup_starts_grafana_and_names_the_password_file(context: Context, docker: FakeDocker) -> None:
    assert grafana.grafana_setup(context) == 0
    assert docker.calls("up")[0][-1] == "grafana"
    password = context.engine.places.repository / "monitoring" / "secrets" / "grafana-admin-password"
    assert f"log in as admin with the password in {password}" in printed(context)
    assert password.read_text(encoding="ascii") not in printed(context)


def test_stop_keeps_volumes(engine: DockerEngine, docker: FakeDocker, context: Context) -> None:
    engine.stop((), context.report.console)
    engine.stop((PROMETHEUS,), context.report.console)
    assert docker.calls("down") == [[]]
    assert docker.calls("stop") == [["prometheus"]]


@pytest.mark.parametrize("as_array", [False, True], ids=["lines", "array"])
def test_states_are_read_in_both_formats_of_compose(engine: DockerEngine, docker: FakeDocker, as_array: bool) -> None:
    rows = container("prometheus") + container("jaeger", "exited", "")
    docker.answer("ps", output=json.dumps([json.loads(row) for row in rows.splitlines()]) if as_array else rows)
    states = {state.part.name: (state.running, state.detail) for state in engine.states()}
    assert states["prometheus"] == (True, "running (healthy)")
    assert states["jaeger"] == (False, "exited")
    assert states["grafana"] == (False, "no container")


@pytest.mark.usefixtures("pages")
def test_health_is_up_only_with_a_container_and_its_page(context: Context, docker: FakeDocker) -> None:
    services = [part.service for part in (*running_parts(), GRAFANA)]
    docker.answer("ps", output="".join(container(service) for service in services if service != "jaeger"))
    assert health.health_monitor(context) == 1
    assert "jaeger: is down. Run `make monitoring-setup`" in printed(context)


def test_configuration_is_checked_in_a_container_of_the_part(engine: DockerEngine, docker: FakeDocker) -> None:
    docker.answer("run", output="Checking … SUCCESS\n")
    answer = engine.tool(ALERTMANAGER, "amtool", ("check-config", "{configuration}/alertmanager.yml"))
    assert answer.code == 0
    (words,) = docker.calls("run")
    assert words[:6] == ["--rm", "--no-deps", "--no-TTY", "--entrypoint", "amtool", "alertmanager"]
    assert words[6:] == ["check-config", "/etc/alertmanager/alertmanager.yml"]


def test_a_rejected_configuration_is_not_applied(context: Context, docker: FakeDocker) -> None:
    docker.answer("run", code=1, error="yaml: line 7: did not find expected key")
    with pytest.raises(
        StackError, match=r"(?s)rejects the configuration of alertmanager.*line 7.*Correct the named file"
    ):
        alerting.alertmanager_config(context)


@pytest.mark.usefixtures("pages")
def test_overlays_of_the_collector_have_the_same_variable_as_in_a_native_run(
    engine: DockerEngine, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch, context: Context
) -> None:
    engine.places = replace(engine.places, repository=REPOSITORY)
    monkeypatch.setenv("COLLECTOR_OVERLAYS", "tail-sampling")
    engine.start((), context.report.console)
    given = (docker.folder / "overlays").read_text(encoding="utf-8")
    assert given == "--config /etc/otelcol/overlays/tail-sampling.yaml"
    monkeypatch.setenv("COLLECTOR_OVERLAYS", "tail-sampler")
    with pytest.raises(StackError, match="'tail-sampler' is not an overlay"):
        engine.start((), context.report.console)
    engine.stop((), context.report.console)
    assert docker.calls("down") == [[]], "a wrong name does not prevent a stop"


def test_pull_shows_the_progress_of_docker_on_a_terminal(
    engine: DockerEngine, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    docker.answer("pull", code=1, error="prometheus Pulling 12 MB / 80 MB\n")
    with pytest.raises(StackError, match="`docker compose pull` failed: see the lines above"):
        engine.prepare(Console(file=io.StringIO(), force_terminal=True))
    assert docker.calls("pull") == [[]]
    assert "Pulling 12 MB / 80 MB" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("env file /x/made-by-make-observability-init.env not found", "run `make observability-init`"),
        ("Bind for 127.0.0.1:9090 failed: port is already allocated", "Stop the process that uses the port"),
        ("write /var/lib/docker: no space left on device", "docker system prune"),
        ("dial tcp: lookup registry: no such host", "Check the network"),
        ("something else", "docker compose -f docker-compose.monitoring.yml logs"),
    ],
)
def test_a_failure_of_docker_is_explained(
    engine: DockerEngine, docker: FakeDocker, context: Context, error: str, advice: str
) -> None:
    docker.answer("up", code=1, error=error)
    with pytest.raises(StackError) as raised:
        engine.start((), context.report.console)
    assert error in str(raised.value)
    assert advice in str(raised.value)


def test_docker_is_chosen_where_it_works(docker: FakeDocker) -> None:
    engine, reason = choose_engine({"FLEXT_STACK_ENGINE": ""})
    assert engine.name == "docker"
    assert reason == "the engine and its Compose plug-in answer"
    assert (docker.folder / "calls").read_text(encoding="utf-8").splitlines() == ['["info"]', '["compose", "version"]']


@pytest.mark.parametrize(
    ("command", "error", "reason"),
    [
        ("info", "Client:\nServer:\nCannot connect to the Docker daemon. Is it running?", "Cannot connect"),
        ("version", "docker: 'compose' is not a docker command", "Compose plug-in does not answer"),
    ],
)
def test_the_native_runner_is_chosen_where_docker_does_not_work(
    docker: FakeDocker, command: str, error: str, reason: str
) -> None:
    docker.answer(command, code=1, error=error)
    engine, why = choose_engine({})
    assert engine.name == "native"
    assert reason in why
    with pytest.raises(StackError, match=r"FLEXT_STACK_ENGINE=docker: .*Install Docker Engine.*=native"):
        choose_engine({"FLEXT_STACK_ENGINE": "docker"})


def test_an_engine_set_by_the_variable_is_used(docker: FakeDocker) -> None:
    engine, reason = choose_engine({"FLEXT_STACK_ENGINE": "native"})
    assert (engine.name, reason) == ("native", "set by FLEXT_STACK_ENGINE")
    assert not (docker.folder / "calls").exists()
    with pytest.raises(StackError, match=r"Invalid FLEXT_STACK_ENGINE 'podman': the engines are docker and native"):
        choose_engine({"FLEXT_STACK_ENGINE": "podman"})


def test_without_docker_the_reason_is_its_absence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    _, reason = choose_engine(dict(os.environ))
    assert reason in {"docker is not on PATH", "set by FLEXT_STACK_ENGINE"}


@pytest.mark.usefixtures("pages")
def test_the_real_compose_knows_every_command_and_flag(context: Context, docker: FakeDocker) -> None:
    """Replay all recorded calls with the built Compose. Help needs no engine, and an unknown flag is still an error."""
    program = places_from().program(COMPOSE, "docker-compose")
    if not program.is_file():
        pytest.skip("docker-compose is not built: run `make stack-install`")
    engine, console = context.engine, context.report.console
    engine.prepare(console)
    engine.start((JAEGER,), console)
    engine.states()
    engine.tool(PROMETHEUS, "promtool", ("check", "config", "{configuration}/prometheus.yml"))
    engine.stop((JAEGER,), console)
    engine.stop((), console)
    calls = [json.loads(line) for line in (docker.folder / "calls").read_text(encoding="utf-8").splitlines()]
    commands = [words[1:] for words in calls if words[0] == "compose"]
    assert [words[2] for words in commands] == ["pull", "up", "ps", "run", "stop", "down"]
    for words in [*commands, ["--file", "x", "up", "--no-such-flag"]]:
        end = words.index("--entrypoint") + 2 if "--entrypoint" in words else len(words)
        run = subprocess.run([program, *words[:end], "--help"], capture_output=True, text=True, check=False, timeout=60)
        assert (run.returncode == 0) == ("--no-such-flag" not in words), run.stderr
