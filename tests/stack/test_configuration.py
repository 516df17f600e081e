"""The shipped configuration files match the table of parts and each other. Needs no stack."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.control.secret_files import NAMES, make_secrets
from monitoring.native.parts import (
    COLLECTOR,
    COMPOSE,
    JAEGER,
    PARTS,
    PROMETHEUS,
    VICTORIALOGS,
    WEBHOOK,
    Part,
    running_parts,
)
from monitoring.native.places import REPOSITORY, Places, places_from
from monitoring.native.targets import prometheus_folder, write_prometheus_folder

MONITORING = REPOSITORY / "monitoring"
IMAGES = [part for part in PARTS if part.image]
CONFIGURATION = {
    COLLECTOR: REPOSITORY / "otel-collector.yaml",
    JAEGER: MONITORING / "jaeger" / "jaeger.yaml",
}
TUNING = {
    *("COLLECTOR_MEMORY_LIMIT_MIB", "COLLECTOR_MEMORY_SPIKE_MIB"),
    *("COLLECTOR_QUEUE_FSYNC", "COLLECTOR_QUEUE_ITEMS"),
}
"""Variables for users. Their defaults are valid for Docker and native runs."""


@cache
def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def compose() -> Any:
    return read_yaml(REPOSITORY / "docker-compose.monitoring.yml")


def tags() -> dict[str, str]:
    lines = (REPOSITORY / ".env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def by_name(part: Part) -> str:
    return part.name


def variables(part: Part) -> dict[str, str]:
    """Return the default of each variable in the configuration file of a part."""
    text = CONFIGURATION[part].read_text(encoding="utf-8")
    return dict(re.findall(r"\$\{env:([A-Z_]+):-([^}]*)\}", text))


def test_env_file_holds_the_tag_of_every_image_and_nothing_else() -> None:
    assert tags() == {f"{part.name.upper()}_TAG": part.tag for part in IMAGES}


@pytest.mark.parametrize("part", IMAGES, ids=by_name)
def test_compose_runs_the_image_of_the_table(part: Part) -> None:
    variable = f"{part.name.upper()}_TAG"
    service = compose()["services"][part.service]
    if part is WEBHOOK:
        assert service["build"]["args"] == {"PYTHON_TAG": f"${{{variable}:?is set in .env}}"}
        assert "FROM python:${PYTHON_TAG}" in (MONITORING / "webhook" / "Dockerfile").read_text(encoding="utf-8")
    else:
        assert service["image"] == f"{part.image}:${{{variable}:?is set in .env}}"


@pytest.mark.parametrize("part", IMAGES, ids=by_name)
def test_tag_is_the_version(part: Part) -> None:
    assert part.tag.removeprefix("v") == part.version


def test_every_port_is_published_on_loopback_only() -> None:
    published = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("part", [part for part in running_parts() if part.image], ids=by_name)
def test_docker_and_native_answer_on_the_same_ports(part: Part) -> None:
    assert part.run is not None
    published = {int(port.split(":")[1]) for port in compose()["services"][part.service]["ports"]}
    assert published <= set(part.run.ports.values())
    assert {part.run.ports[name] for name in part.run.shown} <= published


def test_native_ports_do_not_collide() -> None:
    ports = [port for part in running_parts() if part.run for port in part.run.ports.values()]
    assert len(ports) == len(set(ports))


@pytest.mark.parametrize("name", sorted(compose()["services"]))
def test_service_is_confined(name: str) -> None:
    service = compose()["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))
    if name == "volume-owner":
        assert service["network_mode"] == "none"
    else:
        assert service["user"].split(":")[0] != "0"
        assert "healthcheck" in service


@pytest.mark.parametrize("name", sorted(compose()["services"]))
def test_service_has_limits_of_memory_cpu_and_processes(name: str) -> None:
    service = compose()["services"][name]
    assert re.fullmatch(r"[0-9]+[mg]", service["mem_limit"])
    assert 0 < service["cpus"] <= 2
    assert service["pids_limit"] == 256


@pytest.mark.parametrize("name", ["otel-collector", "jaeger"])
def test_go_frees_memory_before_the_container_reaches_its_limit(name: str) -> None:
    service = compose()["services"][name]
    mebibytes = {"768m": 768, "1g": 1024}[service["mem_limit"]]
    assert 0.8 * mebibytes < int(service["environment"]["GOMEMLIMIT"].removesuffix("MiB")) < 0.9 * mebibytes


def test_every_secret_is_a_file_that_git_ignores() -> None:
    files = {secret["file"] for secret in compose()["secrets"].values()}
    assert files == {f"./monitoring/secrets/{name}" for name in NAMES}
    assert "monitoring/secrets/" in (REPOSITORY / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_login_is_on_and_no_password_is_in_the_file() -> None:
    grafana = compose()["services"]["grafana"]
    variables = grafana["environment"]
    assert grafana["secrets"] == ["grafana-admin-password"]
    assert variables["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana-admin-password"
    assert variables["GF_AUTH_ANONYMOUS_ENABLED"] == variables["GF_USERS_ALLOW_SIGN_UP"] == "false"
    named = {name for service in compose()["services"].values() for name in service.get("environment", {})}
    assert not [name for name in named if re.search("PASSWORD$|TOKEN$|SECRET$", name)]


def test_alertmanager_has_its_token_where_its_file_expects_it() -> None:
    """`../secrets` of the configuration folder is valid in the container and in the repository."""
    (secret,) = compose()["services"]["alertmanager"]["secrets"]
    assert secret == {"source": "alertmanager-webhook-token", "target": "/etc/secrets/alertmanager-webhook-token"}


def test_real_compose_accepts_all_profiles_and_names_the_command_for_missing_secrets(tmp_path: Path) -> None:
    program = places_from().program(COMPOSE, "docker-compose")
    if not program.is_file():
        pytest.skip("docker-compose is not built: run `make stack-install`")
    for name in ("docker-compose.monitoring.yml", ".env"):
        shutil.copyfile(REPOSITORY / name, tmp_path / name)
    (tmp_path / "monitoring").mkdir()
    argv = [str(program), "-f", str(tmp_path / "docker-compose.monitoring.yml"), "--profile", "*", "config"]
    without = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert without.returncode != 0
    assert "made-by-make-observability-init.env not found" in without.stderr
    make_secrets(tmp_path)
    accepted = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert accepted.returncode == 0, accepted.stderr
    assert set(yaml.safe_load(accepted.stdout)["services"]) == set(compose()["services"])


def test_data_is_in_declared_volumes() -> None:
    mounts = [mount.split(":")[0] for service in compose()["services"].values() for mount in service.get("volumes", [])]
    assert {mount for mount in mounts if not mount.startswith("./")} == set(compose()["volumes"])
    assert all((REPOSITORY / mount).exists() for mount in mounts if mount.startswith("./"))


def test_prometheus_has_the_same_switches_in_docker_and_natively() -> None:
    assert PROMETHEUS.run is not None
    command = compose()["services"]["prometheus"]["command"]
    switches = ("--web.enable", "--enable-feature")
    assert [word for word in PROMETHEUS.run.argv if word.startswith(switches)] == [
        word for word in command if word.startswith(switches)
    ]


def test_victorialogs_keeps_logs_as_long_in_docker_as_natively() -> None:
    assert VICTORIALOGS.run is not None
    caps = {"-retentionPeriod", "-retention.maxDiskSpaceUsageBytes", "-inmemoryDataFlushInterval"}
    native, docker = (
        {flag: value for flag, _, value in (word.partition("=") for word in words) if flag in caps}
        for words in (VICTORIALOGS.run.argv, compose()["services"]["victorialogs"]["command"])
    )
    assert native == docker
    assert set(native) == caps


@pytest.mark.parametrize("part", CONFIGURATION, ids=by_name)
def test_a_native_run_sets_exactly_the_variables_of_the_file(part: Part) -> None:
    assert part.run is not None
    assert set(part.run.environment) == set(variables(part)) - TUNING


@pytest.mark.parametrize("part", CONFIGURATION, ids=by_name)
def test_default_addresses_are_services_of_the_compose_file(part: Part) -> None:
    defaults = variables(part).values()
    hosts = {match[1] for default in defaults if (match := re.match(r"(?:http://)?([a-z0-9.-]+):\d+", default))}
    assert hosts <= set(compose()["services"]) | {"0.0.0.0"}


def test_manifest_builds_the_version_of_the_table() -> None:
    manifest = read_yaml(MONITORING / "collector" / "manifest.yaml")
    assert manifest["dist"]["version"] == COLLECTOR.version
    kinds = ("receivers", "processors", "exporters", "connectors", "extensions")
    assert {row["gomod"].split()[1] for kind in kinds for row in manifest[kind]} == {f"v{COLLECTOR.version}"}


@pytest.mark.parametrize("kind", ["receivers", "processors", "exporters", "connectors", "extensions"])
def test_manifest_holds_every_component_that_the_collector_uses(kind: str) -> None:
    built = {
        row["gomod"].split()[0].rsplit("/", 1)[1].removesuffix(kind.removesuffix("s"))
        for row in read_yaml(MONITORING / "collector" / "manifest.yaml")[kind]
    }
    module_names = {"otlpgrpc": "otlp"}
    used = {name.split("/")[0].replace("_", "") for name in read_yaml(CONFIGURATION[COLLECTOR])[kind]}
    assert {module_names.get(name, name) for name in used} <= built


def test_memory_limiter_comes_first_in_every_pipeline_that_has_a_source() -> None:
    configuration = read_yaml(CONFIGURATION[COLLECTOR])
    sources = set(configuration["receivers"]) | {"span_metrics", "service_graph"}
    pipelines = configuration["service"]["pipelines"]
    first = {name: one["processors"][0] for name, one in pipelines.items() if sources & set(one["receivers"])}
    assert first == dict.fromkeys(["traces", "metrics", "metrics/derived", "logs"], "memory_limiter")


def test_every_received_signal_is_redacted_before_it_is_measured_or_sent() -> None:
    pipelines = read_yaml(CONFIGURATION[COLLECTOR])["service"]["pipelines"]
    received = [one for one in pipelines.values() if "otlp" in one["receivers"]]
    assert len(received) == 3
    assert all("redaction" in one["processors"] for one in received)


def test_no_browser_of_another_origin_may_send() -> None:
    protocols = read_yaml(CONFIGURATION[COLLECTOR])["receivers"]["otlp"]["protocols"]
    assert "cors" not in protocols["http"]
    assert protocols["http"]["max_request_body_size"] == protocols["grpc"]["max_recv_msg_size_mib"] * 2**20


def test_a_batch_fits_into_the_message_of_any_grpc_server() -> None:
    for exporter in read_yaml(CONFIGURATION[COLLECTOR])["exporters"].values():
        batch = exporter["sending_queue"]["batch"]
        assert batch["sizer"] == "bytes"
        assert batch["max_size"] < 4 * 2**20


def test_every_exporter_queues_on_disk_and_retries_without_limit() -> None:
    for exporter in read_yaml(CONFIGURATION[COLLECTOR])["exporters"].values():
        assert exporter["sending_queue"]["storage"] == "file_storage"
        assert exporter["sending_queue"]["sizer"] == "items"
        assert exporter["sending_queue"]["queue_size"] == "${env:COLLECTOR_QUEUE_ITEMS:-500000}"
        assert exporter["retry_on_failure"]["max_elapsed_time"] == "0s"


def test_what_identifies_a_stream_of_logs_is_what_identifies_a_service() -> None:
    headers = read_yaml(CONFIGURATION[COLLECTOR])["exporters"]["otlp_http/victorialogs"]["headers"]
    assert headers == {"VL-Stream-Fields": "service.name,service.namespace,deployment.environment.name"}


def test_shipped_scrape_targets_are_services_of_the_compose_file() -> None:
    for file in (MONITORING / "prometheus" / "targets").glob("*.yml"):
        for group in read_yaml(file):
            assert {target.split(":")[0] for target in group["targets"]} <= set(compose()["services"])


def test_native_targets_mirror_the_shipped_ones(tmp_path: Path) -> None:
    places = Places(cache=tmp_path, state=tmp_path, port_offset=1000)
    write_prometheus_folder(places)
    shipped = MONITORING / "prometheus" / "targets"
    native = prometheus_folder(places) / "targets"
    assert {file.name for file in native.iterdir()} == {file.name for file in shipped.iterdir()}
    jobs = [{group["labels"]["job"] for group in read_yaml(folder / "stack.yml")} for folder in (shipped, native)]
    assert jobs[0] - jobs[1] == {"grafana"}
    assert jobs[1] <= jobs[0]
    addresses = [group["targets"][0] for group in read_yaml(native / "stack.yml")]
    assert "127.0.0.1:10090" in addresses


def test_native_configuration_keeps_added_targets(tmp_path: Path) -> None:
    places = Places(cache=tmp_path, state=tmp_path)
    write_prometheus_folder(places)
    added = prometheus_folder(places) / "applications" / "shop.yml"
    added.write_text("[]", encoding="utf-8")
    write_prometheus_folder(places)
    assert added.exists()


def data_sources() -> dict[str, Any]:
    file = MONITORING / "grafana" / "provisioning" / "datasources" / "stack.yml"
    return {source["uid"]: source for source in read_yaml(file)["datasources"]}


def test_grafana_reads_the_services_of_the_compose_file() -> None:
    services = {part.service: part for part in PARTS if part.run}
    for source in data_sources().values():
        host, port = source["url"].removeprefix("http://").split(":")
        run = services[host].run
        assert run is not None
        assert int(port) == run.ports["http"]
        assert source["editable"] is False


def test_grafana_installs_a_pinned_plug_in_for_each_external_data_source_type() -> None:
    built_in = {"alertmanager", "jaeger", "prometheus"}
    plug_ins = compose()["services"]["grafana"]["environment"]["GF_PLUGINS_PREINSTALL"].split(",")
    pins = dict(plug_in.split("@") for plug_in in plug_ins)
    assert set(pins) == {source["type"] for source in data_sources().values()} - built_in
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pins.values())


def test_grafana_links_point_to_existing_data_sources() -> None:
    text = json.dumps(list(data_sources().values()))
    linked = set(re.findall(r'"(?:datasourceUid|alertmanagerUid)": "([^"]+)"', text))
    assert linked == {"jaeger", "victorialogs", "prometheus", "alertmanager"}
    assert linked <= set(data_sources())


def test_grafana_file_escapes_every_literal_dollar() -> None:
    for source in data_sources().values():
        assert not re.search(r"(?<!\$)\$(?!\$)", json.dumps(source))


def test_grafana_has_a_place_to_send_its_alerts() -> None:
    alerting = read_yaml(MONITORING / "grafana" / "provisioning" / "alerting" / "contact-points.yml")
    assert {policy["receiver"] for policy in alerting["policies"]} <= {
        point["name"] for point in alerting["contactPoints"]
    }


def test_image_of_the_webhook_installs_the_pinned_server() -> None:
    constraints = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8")
    dockerfile = (MONITORING / "webhook" / "Dockerfile").read_text(encoding="utf-8")
    (pin,) = re.findall(r"waitress==[0-9.]+", dockerfile)
    assert pin in constraints.splitlines()
