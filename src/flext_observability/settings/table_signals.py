"""Field table, part 3: queues, metric readers and limits."""

from __future__ import annotations

from dataclasses import dataclass

from flext_observability.settings import types
from flext_observability.settings.fields import setting
from flext_observability.settings.table_otlp import OtlpFields

_EXEMPLAR_FILTER = types.choice_type("trace_based", "always_on", "always_off")
_TEMPORALITY = types.choice_type("cumulative", "delta", "lowmemory")
_HISTOGRAM = types.choice_type("explicit_bucket_histogram", "base2_exponential_bucket_histogram")


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class QueueFields(OtlpFields):
    """Settings of export queues and metric readers."""

    traces_schedule_delay_seconds: float = setting(
        types.INTERVAL,
        "Interval between exports of spans.",
        ("OTEL_BSP_SCHEDULE_DELAY", types.MILLISECOND_INTERVAL),
        default=5.0,
        unit="s",
        signal="traces",
    )
    traces_export_timeout_seconds: float = setting(
        types.TIMEOUT,
        "Timeout of one export of spans, retries included.",
        ("OTEL_BSP_EXPORT_TIMEOUT", types.MILLISECOND_TIMEOUT),
        default=30.0,
        unit="s",
        signal="traces",
    )
    traces_max_queue_size: int = setting(
        types.COUNT,
        "Maximum of queued spans for each exporter; further spans are dropped and counted.",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        default=2048,
        unit="spans",
        signal="traces",
    )
    traces_max_export_batch_size: int = setting(
        types.COUNT,
        "Maximum of spans in one request, up to `traces_max_queue_size`.",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        default=512,
        unit="spans",
        signal="traces",
    )
    logs_schedule_delay_seconds: float = setting(
        types.INTERVAL,
        "Interval between exports of log records.",
        ("OTEL_BLRP_SCHEDULE_DELAY", types.MILLISECOND_INTERVAL),
        default=1.0,
        unit="s",
        signal="logs",
    )
    logs_export_timeout_seconds: float = setting(
        types.TIMEOUT,
        "Timeout of one export of log records, retries included.",
        ("OTEL_BLRP_EXPORT_TIMEOUT", types.MILLISECOND_TIMEOUT),
        default=30.0,
        unit="s",
        signal="logs",
    )
    logs_max_queue_size: int = setting(
        types.COUNT,
        "Maximum of queued log records for each exporter; further records are dropped and counted.",
        "OTEL_BLRP_MAX_QUEUE_SIZE",
        default=2048,
        unit="records",
        signal="logs",
    )
    logs_max_export_batch_size: int = setting(
        types.COUNT,
        "Maximum of log records in one request, up to `logs_max_queue_size`.",
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
        default=512,
        unit="records",
        signal="logs",
    )
    metric_export_interval_seconds: float = setting(
        types.INTERVAL,
        "Interval between exports of metrics.",
        ("OTEL_METRIC_EXPORT_INTERVAL", types.MILLISECOND_INTERVAL),
        default=60.0,
        unit="s",
        signal="metrics",
    )
    metric_export_timeout_seconds: float = setting(
        types.TIMEOUT,
        "Timeout of one export of metrics.",
        ("OTEL_METRIC_EXPORT_TIMEOUT", types.MILLISECOND_TIMEOUT),
        default=30.0,
        unit="s",
        signal="metrics",
    )
    metrics_exemplar_filter: str = setting(
        _EXEMPLAR_FILTER,
        "Filter of the measurements that may become exemplars.",
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
        "Aggregation of histograms.",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        default="explicit_bucket_histogram",
        signal="metrics",
    )


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class LimitFields(QueueFields):
    """Limits of spans and log records; None: no limit. A limit that is not set has the value of the general one."""

    attribute_count_limit: int | None = setting(
        types.LIMIT,
        "Maximum of attributes of any object.",
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        default=128,
        unit="attributes",
    )
    attribute_value_length_limit: int | None = setting(
        types.LIMIT,
        "Maximum length of a text in any attribute.",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        default=None,
        unit="characters",
    )
    span_attribute_count_limit: int | None = setting(
        types.LIMIT,
        "Maximum of attributes of a span.",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        default=128,
        unit="attributes",
        signal="traces",
    )
    span_attribute_value_length_limit: int | None = setting(
        types.LIMIT,
        "Maximum length of a text in a span attribute.",
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        default=None,
        unit="characters",
        signal="traces",
    )
    span_event_count_limit: int | None = setting(
        types.LIMIT,
        "Maximum of events of a span.",
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        default=128,
        unit="events",
        signal="traces",
    )
    span_link_count_limit: int | None = setting(
        types.LIMIT,
        "Maximum of links of a span.",
        "OTEL_SPAN_LINK_COUNT_LIMIT",
        default=128,
        unit="links",
        signal="traces",
    )
    event_attribute_count_limit: int | None = setting(
        types.LIMIT,
        "Maximum of attributes of a span event.",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        default=128,
        unit="attributes",
        signal="traces",
    )
    link_attribute_count_limit: int | None = setting(
        types.LIMIT,
        "Maximum of attributes of a span link.",
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        default=128,
        unit="attributes",
        signal="traces",
    )
    logrecord_attribute_count_limit: int | None = setting(
        types.LIMIT,
        "Maximum of attributes of a log record.",
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
        default=128,
        unit="attributes",
        signal="logs",
    )
    logrecord_attribute_value_length_limit: int | None = setting(
        types.LIMIT,
        "Maximum length of a text in a log record attribute.",
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        default=None,
        unit="characters",
        signal="logs",
    )
