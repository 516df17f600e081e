"""Expected load and the assumptions about it, checked at construction."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class Load(BaseModel):
    """Load of a cluster. The description of each field is the help of its option."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spans_per_second: Positive = Field(description="spans per second of all applications")
    trace_length: Positive = Field(description="spans of a trace")
    retention_days: Positive = Field(description="days that the back ends keep data")
    sampling: float = Field(10, ge=0, le=100, description="percentage of ordinary traces to keep")
    important: float = Field(5, ge=0, le=100, description="percentage of traces with an error, or slow: all are kept")
    points_per_second: NotNegative = Field(0, description="metric data points per second")
    records_per_second: NotNegative = Field(0, description="log records per second")
    hosts: int = Field(10, ge=1, description="hosts, each with an agent")
    span_bytes: Positive = Field(500, description="bytes of a span in OTLP")
    point_bytes: Positive = Field(100, description="bytes of a data point in OTLP")
    record_bytes: Positive = Field(500, description="bytes of a log record in OTLP")
    decision_wait: Positive = Field(10, description="seconds from the first span of a trace to the decision")
    outage_minutes: Positive = Field(30, description="minutes that queues on disk hold while the next tier is down")
    kafka_hours: Positive = Field(24, description="hours that Kafka keeps messages")
    kafka_replicas: int = Field(3, ge=1, description="copies of a message in Kafka")
    kafka_compression: float = Field(0.3, gt=0, le=1, description="compressed size in Kafka, as a share of OTLP")
    write_ms: Positive = Field(5, description="milliseconds of one write to the back end of traces")
    pod_cores: Positive = Field(2, description="most cores of a pod")
    pod_memory_gib: Positive = Field(8, description="most memory of a pod, in GiB")

    @property
    def traces_per_second(self) -> float:
        """New traces per second."""
        return self.spans_per_second / self.trace_length

    @property
    def kept_share(self) -> float:
        """Share of traces that the samplers keep, from 0 to 1."""
        important = self.important / 100
        return important + (1 - important) * self.sampling / 100

    @property
    def kept_spans_per_second(self) -> float:
        """Spans per second after the samplers."""
        return self.spans_per_second * self.kept_share
