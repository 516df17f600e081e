"""Field table, part 3: queues, metric reading and limits."""

from __future__ import annotations

from dataclasses import dataclass

from flext_observability.settings import types as kinds
from flext_observability.settings.fields import setting
from flext_observability.settings.table_otlp import OtlpFields

_EXEMPLAR_FILTER = kinds.choice_kind("trace_based", "always_on", "always_off")
_TEMPORALITY = kinds.choice_kind("cumulative", "delta", "lowmemory")
_HISTOGRAM = kinds.choice_kind("explicit_bucket_histogram", "base2_exponential_bucket_histogram")


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class QueueFields(OtlpFields):
    """Settings of what waits between recording and exporting."""

    traces_schedule_delay_seconds: float = setting(
        kinds.INTERVAL,
        "Time between two exports of spans.",
        ("OTEL_BSP_SCHEDULE_DELAY", kinds.MILLISECOND_INTERVAL),
        default=5.0,
        unit="s",
        signal="traces",
    )
    traces_export_timeout_seconds: float = setting(
        kinds.TIMEOUT,
        "Time for one export of spans, retries included.",
        ("OTEL_BSP_EXPORT_TIMEOUT", kinds.MILLISECOND_TIMEOUT),
        default=30.0,
        unit="s",
        signal="traces",
    )
    traces_max_queue_size: int = setting(
        kinds.COUNT,
        "Spans that may wait for each exporter; more are dropped and counted.",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        default=2048,
        unit="spans",
        signal="traces",
    )
    traces_max_export_batch_size: int = setting(
        kinds.COUNT,
        "Spans in one request, at most `traces_max_queue_size`.",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        default=512,
        unit="spans",
        signal="traces",
    )
    logs_schedule_delay_seconds: float = setting(
        kinds.INTERVAL,
        "Time between two exports of log records.",
        ("OTEL_BLRP_SCHEDULE_DELAY", kinds.MILLISECOND_INTERVAL),
        default=1.0,
        unit="s",
        signal="logs",
    )
    logs_export_timeout_seconds: float = setting(
        kinds.TIMEOUT,
        "Time for one export of log records, retries included.",
        ("OTEL_BLRP_EXPORT_TIMEOUT", kinds.MILLISECOND_TIMEOUT),
        default=30.0,
        unit="s",
        signal="logs",
    )
    logs_max_queue_size: int = setting(
        kinds.COUNT,
        "Log records that may wait for each exporter; more are dropped and counted.",
        "OTEL_BLRP_MAX_QUEUE_SIZE",
        default=2048,
        unit="records",
        signal="logs",
    )
    logs_max_export_batch_size: int = setting(
        kinds.COUNT,
        "Log records in one request, at most `logs_max_queue_size`.",
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
        default=512,
        unit="records",
        signal="logs",
    )
    metric_export_interval_seconds: float = setting(
        kinds.INTERVAL,
        "Time between two pushes of metrics.",
        ("OTEL_METRIC_EXPORT_INTERVAL", kinds.MILLISECOND_INTERVAL),
        default=60.0,
        unit="s",
        signal="metrics",
    )
    metric_export_timeout_seconds: float = setting(
        kinds.TIMEOUT,
        "Time for one push of metrics.",
        ("OTEL_METRIC_EXPORT_TIMEOUT", kinds.MILLISECOND_TIMEOUT),
        default=30.0,
        unit="s",
        signal="metrics",
    )
    metrics_exemplar_filter: str = setting(
        _EXEMPLAR_FILTER,
        "Which measurements may become exemplars.",
        "OTEL_METRICS_EXEMPLAR_FILTER",
        default="trace_based",
        signal="metrics",
    )
    metrics_temporality_preference: str = setting(
        _TEMPORALITY,
        "Temporality of pushed metrics.",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        default="cumulative",
        signal="metrics",
    )
    metrics_default_histogram_aggregation: str = setting(
        _HISTOGRAM,
        "How histograms are pushed.",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        default="explicit_bucket_histogram",
        signal="metrics",
    )


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class LimitFields(QueueFields):
    """Bounds on what one span or log record holds; None: no bound. The special follow the general unless given."""

    attribute_count_limit: int | None = setting(
        kinds.LIMIT, "Attributes of anything.", "OTEL_ATTRIBUTE_COUNT_LIMIT", default=128, unit="attributes"
    )
    attribute_value_length_limit: int | None = setting(
        kinds.LIMIT,
        "Length of a text in any attribute.",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        default=None,
        unit="characters",
    )
    span_attribute_count_limit: int | None = setting(
        kinds.LIMIT,
        "Attributes of a span.",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        default=128,
        unit="attributes",
        signal="traces",
    )
    span_attribute_value_length_limit: int | None = setting(
        kinds.LIMIT,
        "Length of a text in an attribute of a span.",
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        default=None,
        unit="characters",
        signal="traces",
    )
    span_event_count_limit: int | None = setting(
        kinds.LIMIT, "Events of a span.", "OTEL_SPAN_EVENT_COUNT_LIMIT", default=128, unit="events", signal="traces"
    )
    span_link_count_limit: int | None = setting(
        kinds.LIMIT, "Links of a span.", "OTEL_SPAN_LINK_COUNT_LIMIT", default=128, unit="links", signal="traces"
    )
    event_attribute_count_limit: int | None = setting(
        kinds.LIMIT,
        "Attributes of a span's event.",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        default=128,
        unit="attributes",
        signal="traces",
    )
    link_attribute_count_limit: int | None = setting(
        kinds.LIMIT,
        "Attributes of a span's link.",
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        default=128,
        unit="attributes",
        signal="traces",
    )
    logrecord_attribute_count_limit: int | None = setting(
        kinds.LIMIT,
        "Attributes of a log record.",
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
        default=128,
        unit="attributes",
        signal="logs",
    )
    logrecord_attribute_value_length_limit: int | None = setting(
        kinds.LIMIT,
        "Length of a text in an attribute of a log record.",
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        default=None,
        unit="characters",
        signal="logs",
    )
