"""Queries of the data sources: PromQL, LogsQL and searches of Jaeger → targets of panels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import prometheus as models
from grafana_foundation_sdk.models.common import DataSourceRef

PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="prometheus")
LOGS: Final = DataSourceRef(type_val="victoriametrics-logs-datasource", uid="victorialogs")
JAEGER: Final = DataSourceRef(type_val="jaeger", uid="jaeger")

LogsKind = Literal["instant", "stats", "statsRange"]


@dataclass(frozen=True, slots=True)
class PromQL:
    """A query of Prometheus."""

    expr: str
    legend: str = "__auto"
    is_instant: bool = False
    has_exemplars: bool = False
    is_heatmap: bool = False

    def target(self, ref_id: str) -> Builder[Dataquery]:
        """Return the target of a panel."""
        query = prometheus.Dataquery().expr(self.expr).legend_format(self.legend).ref_id(ref_id).datasource(PROMETHEUS)
        if self.has_exemplars:
            query = query.exemplar(exemplar=True)
        if self.is_heatmap:
            query = query.format(models.PromQueryFormat.HEATMAP)
        return query.instant().format(models.PromQueryFormat.TABLE) if self.is_instant else query.range()


@dataclass(frozen=True, slots=True)
class LogsQL:
    """A query of VictoriaLogs."""

    expr: str
    kind: LogsKind = "instant"
    legend: str = ""

    def target(self, ref_id: str) -> Builder[Dataquery]:
        """Return the target of a panel."""
        fields: dict[str, object] = {"expr": self.expr, "queryType": self.kind, "editorMode": "code"}
        if self.legend:
            fields["legendFormat"] = self.legend
        return _Plain(LOGS, fields, ref_id)


@dataclass(frozen=True, slots=True)
class Traces:
    """A search of Jaeger, or its graph of services."""

    service: str = ""
    """Name of a service, or a variable with one. Without it, the query is the graph of all services."""
    tags: str = ""
    limit: int = 20

    def target(self, ref_id: str) -> Builder[Dataquery]:
        """Return the target of a panel."""
        if not self.service:
            return _Plain(JAEGER, {"queryType": "dependencyGraph"}, ref_id)
        fields: dict[str, object] = {"queryType": "search", "service": self.service, "limit": self.limit}
        return _Plain(JAEGER, fields | ({"tags": self.tags} if self.tags else {}), ref_id)


Query = PromQL | LogsQL | Traces


@dataclass(frozen=True, slots=True)
class _PlainQuery(Dataquery):
    """A query of a type that the SDK has no class for."""

    fields: dict[str, object] = field(default_factory=dict[str, object])

    def to_json(self) -> dict[str, object]:
        """Return the fields for the encoder of the SDK."""
        return self.fields


@dataclass(frozen=True, slots=True)
class _Plain(Builder[Dataquery]):
    source: DataSourceRef
    fields: dict[str, object]
    ref_id: str

    def build(self) -> Dataquery:
        """Return the query."""
        return _PlainQuery({"datasource": self.source.to_json(), "refId": self.ref_id, **self.fields})
