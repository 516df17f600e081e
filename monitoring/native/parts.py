"""Table of parts: name, version, image, Go module, ports, health page and command line of each part of the stack.

The installer, the runner and the validator read this table. A test compares it with `.env` and the compose file.
Command lines and variables are templates: `{bin}`, `{repository}`, `{secrets}`, `{config}` and `{data}` are folders,
`{python}` is the interpreter of the runner,
`{port[part.name]}` is a port and `{address[part.name]}` the loopback address of a port, both with the port offset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

GO_MINIMUM: Final = (1, 26)
"""Oldest Go release that builds all parts."""


@dataclass(frozen=True, slots=True)
class Build:
    """Build of a part from Go module sources."""

    module: str
    version: str
    programs: dict[str, str]
    """Package folder inside the module by binary name."""
    version_variable: str = ""
    """Go variable for the version, empty if the program has its own."""
    manifest: str = ""
    """Builder manifest in the repository. The module is then the builder, which generates the program."""
    disk_gb: float = 0.5
    """Disk space of sources, build cache and binary with empty caches, in gigabytes."""


@dataclass(frozen=True, slots=True)
class Run:
    """Process of a built part on loopback."""

    ports: dict[str, int]
    health: tuple[str, str]
    """Port name and path of the health page, which answers 200 once the part is ready."""
    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict[str, str])
    shown: tuple[str, ...] = ("http",)
    """Ports in the status table."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One part of the stack. `build` is None for a part that only Docker runs, `run` is None for a tool."""

    name: str
    version: str
    tag: str
    """Image tag, as in `.env`."""
    image: str = ""
    service: str = ""
    """Service name in the compose file, which is also the host name."""
    build: Build | None = None
    run: Run | None = None


COLLECTOR: Final = Part(
    name="collector",
    version="0.158.0",
    tag="0.158.0",
    image="otel/opentelemetry-collector-contrib",
    service="otel-collector",
    build=Build(
        module="go.opentelemetry.io/collector/cmd/builder",
        version="v0.158.0",
        programs={"otelcol": "."},
        manifest="monitoring/collector/manifest.yaml",
        disk_gb=3.5,
    ),
    run=Run(
        ports={"otlp_grpc": 4317, "otlp_http": 4318, "metrics": 8888, "health": 13133},
        health=("health", "/"),
        argv=("{bin}/otelcol", "--config", "{repository}/otel-collector.yaml"),
        environment={
            "COLLECTOR_OTLP_GRPC_ENDPOINT": "{address[collector.otlp_grpc]}",
            "COLLECTOR_OTLP_HTTP_ENDPOINT": "{address[collector.otlp_http]}",
            "COLLECTOR_METRICS_HOST": "127.0.0.1",
            "COLLECTOR_METRICS_PORT": "{port[collector.metrics]}",
            "COLLECTOR_HEALTH_ENDPOINT": "{address[collector.health]}",
            "COLLECTOR_QUEUE_DIRECTORY": "{data}/queue",
            "JAEGER_OTLP_GRPC_ENDPOINT": "{address[jaeger.otlp_grpc]}",
            "PROMETHEUS_OTLP_ENDPOINT": "http://{address[prometheus.http]}/api/v1/otlp",
            "VICTORIALOGS_OTLP_ENDPOINT": "http://{address[victorialogs.http]}/insert/opentelemetry",
        },
        shown=("otlp_grpc", "otlp_http"),
    ),
)

JAEGER: Final = Part(
    name="jaeger",
    version="2.13.0",
    tag="2.13.0",
    image="jaegertracing/jaeger",
    service="jaeger",
    build=Build(
        module="github.com/jaegertracing/jaeger",
        version="v1.76.0",
        programs={"jaeger": "./cmd/jaeger"},
        version_variable="github.com/jaegertracing/jaeger/internal/version.latestVersion",
        disk_gb=3,
    ),
    run=Run(
        ports={"otlp_grpc": 14317, "otlp_http": 14318, "grpc": 16685, "http": 16686, "metrics": 18888, "health": 13134},
        health=("health", "/status"),
        argv=("{bin}/jaeger", "--config", "{repository}/monitoring/jaeger/jaeger.yaml"),
        environment={
            "JAEGER_OTLP_GRPC_LISTEN": "{address[jaeger.otlp_grpc]}",
            "JAEGER_OTLP_HTTP_LISTEN": "{address[jaeger.otlp_http]}",
            "JAEGER_QUERY_GRPC_LISTEN": "{address[jaeger.grpc]}",
            "JAEGER_QUERY_HTTP_LISTEN": "{address[jaeger.http]}",
            "JAEGER_METRICS_HOST": "127.0.0.1",
            "JAEGER_METRICS_PORT": "{port[jaeger.metrics]}",
            "JAEGER_HEALTH_LISTEN": "{address[jaeger.health]}",
            "JAEGER_DATA_DIRECTORY": "{data}",
            "PROMETHEUS_URL": "http://{address[prometheus.http]}",
        },
    ),
)

PROMETHEUS: Final = Part(
    name="prometheus",
    version="3.14.0",
    tag="v3.14.0",
    image="prom/prometheus",
    service="prometheus",
    build=Build(
        module="github.com/prometheus/prometheus",
        version="v0.314.0",
        programs={"prometheus": "./cmd/prometheus", "promtool": "./cmd/promtool"},
        version_variable="github.com/prometheus/common/version.Version",
        disk_gb=3,
    ),
    run=Run(
        ports={"http": 9090},
        health=("http", "/-/ready"),
        argv=(
            "{bin}/prometheus",
            "--config.file={config}/prometheus.yml",
            "--storage.tsdb.path={data}",
            "--web.listen-address={address[prometheus.http]}",
            "--web.enable-otlp-receiver",
            "--web.enable-lifecycle",
            "--enable-feature=exemplar-storage",
        ),
    ),
)

ALERTMANAGER: Final = Part(
    name="alertmanager",
    version="0.31.1",
    tag="v0.31.1",
    image="prom/alertmanager",
    service="alertmanager",
    build=Build(
        module="github.com/prometheus/alertmanager",
        version="v0.31.1",
        programs={"alertmanager": "./cmd/alertmanager", "amtool": "./cmd/amtool"},
        version_variable="github.com/prometheus/common/version.Version",
        disk_gb=1,
    ),
    run=Run(
        ports={"http": 9093},
        health=("http", "/-/ready"),
        argv=(
            "{bin}/alertmanager",
            "--config.file={config}/alertmanager.yml",
            "--storage.path={data}",
            "--web.listen-address={address[alertmanager.http]}",
            "--cluster.listen-address=",
        ),
    ),
)

PUSHGATEWAY: Final = Part(
    name="pushgateway",
    version="1.11.3",
    tag="v1.11.3",
    image="prom/pushgateway",
    service="pushgateway",
    build=Build(
        module="github.com/prometheus/pushgateway",
        version="v1.11.3",
        programs={"pushgateway": "."},
        version_variable="github.com/prometheus/common/version.Version",
        disk_gb=0.5,
    ),
    run=Run(
        ports={"http": 9091},
        health=("http", "/-/ready"),
        argv=(
            "{bin}/pushgateway",
            "--web.listen-address={address[pushgateway.http]}",
            "--persistence.file={data}/metrics.store",
        ),
    ),
)

VICTORIALOGS: Final = Part(
    name="victorialogs",
    version="1.52.1",
    tag="v1.52.1",
    image="victoriametrics/victoria-logs",
    service="victorialogs",
    build=Build(
        module="github.com/VictoriaMetrics/VictoriaLogs",
        version="v1.52.1",
        programs={"victoria-logs": "./app/victoria-logs"},
        version_variable="github.com/VictoriaMetrics/VictoriaMetrics/lib/buildinfo.Version",
        disk_gb=0.5,
    ),
    run=Run(
        ports={"http": 9428},
        health=("http", "/health"),
        argv=(
            "{bin}/victoria-logs",
            "-storageDataPath={data}",
            "-httpListenAddr={address[victorialogs.http]}",
            "-retentionPeriod=15d",
            "-retention.maxDiskSpaceUsageBytes=10GB",
            # A kill loses the records of this time, which were acknowledged already. The default is 5 s.
            "-inmemoryDataFlushInterval=1s",
        ),
    ),
)

WEBHOOK: Final = Part(
    name="webhook",
    version="3.13",
    tag="3.13",
    image="python",
    service="webhook",
    run=Run(
        ports={"http": 9095},
        health=("http", "/health"),
        argv=(
            "{python}",
            "-m",
            "monitoring.webhook",
            "--listen={address[webhook.http]}",
            "--token-file={secrets}/alertmanager-webhook-token",
        ),
        environment={"PYTHONPATH": "{repository}"},
    ),
)
"""Receiver of Alertmanager's notifications. It runs with the Python of the runner. Docker builds its image."""

COMPOSE: Final = Part(
    name="compose",
    version="2.40.3",
    tag="",
    build=Build(
        module="github.com/docker/compose/v2",
        version="v2.40.3",
        programs={"docker-compose": "./cmd"},
        version_variable="github.com/docker/compose/v2/internal.Version",
        disk_gb=1,
    ),
)

KUSTOMIZE: Final = Part(
    name="kustomize",
    version="5.8.1",
    tag="",
    build=Build(
        module="sigs.k8s.io/kustomize/kustomize/v5",
        version="v5.8.1",
        programs={"kustomize": "."},
        version_variable="sigs.k8s.io/kustomize/api/provenance.version",
        disk_gb=0.5,
    ),
)

GRAFANA: Final = Part(name="grafana", version="13.1.0", tag="13.1.0", image="grafana/grafana", service="grafana")

PARTS: Final = (
    JAEGER,
    PROMETHEUS,
    WEBHOOK,
    ALERTMANAGER,
    PUSHGATEWAY,
    VICTORIALOGS,
    COLLECTOR,
    COMPOSE,
    KUSTOMIZE,
    GRAFANA,
)
"""All parts in start order. They stop in reverse order, so that the collector drains first."""


def built_parts() -> tuple[Part, ...]:
    """Return the parts with a build, in the order of the table."""
    return tuple(part for part in PARTS if part.build is not None)


def running_parts() -> tuple[Part, ...]:
    """Return the parts that run as processes, in start order."""
    return tuple(part for part in PARTS if part.run is not None)
