"""Field table, part 3: queues, metric readers and limits."""

from __future__ import annotations

from flext_observability.domain.report import Signal, SignalOrAll
from flext_observability.settings import types
from flext_observability.settings.fields import setting
from flext_observability.settings.table_otlp import OtlpFields
from flext_observability.values.dataclass import dataclass

_EXEMPLAR_FILTER = types.choice_type("trace_based", "always_on", "always_off")
_TEMPORALITY = types.choice_type("cumulative", "delta", "lowmemory")
_HISTOGRAM = types.choice_type("explicit_bucket_histogram", "base2_exponential_bucket_histogram")


class _BatchRows:
    """Rows of the field table for the export of spans or log records in batches."""

    def __init__(self, signal: Signal, items: str, unit: str, prefix: str, delay_seconds: float) -> None:
        self.schedule_delay_seconds = setting(
            types.INTERVAL,
            f"Interval between exports of {items}.",
            (f"{prefix}_SCHEDULE_DELAY", types.MILLISECOND_INTERVAL),
            default=delay_seconds,
            signal=signal,
        )
        self.export_timeout_seconds = setting(
            types.TIMEOUT,
            f"Timeout of one export of {items}, retries included.",
            (f"{prefix}_EXPORT_TIMEOUT", types.MILLISECOND_TIMEOUT),
            default=30.0,
            signal=signal,
        )
        self.max_queue_size = setting(
            types.COUNT,
            f"Maximum of queued {items} for each exporter; further {unit} are dropped and counted.",
            f"{prefix}_MAX_QUEUE_SIZE",
            default=2048,
            unit=unit,
            signal=signal,
        )
        self.max_export_batch_size = setting(
            types.COUNT,
            f"Maximum of {items} in one request, up to `{signal}_max_queue_size`.",
            f"{prefix}_MAX_EXPORT_BATCH_SIZE",
            default=512,
            unit=unit,
            signal=signal,
        )


def _max_queue_bytes(signal: Signal, items: str, unit: str) -> int:
    return setting(
        types.COUNT,
        f"Maximum of the estimated bytes of queued {items} for each exporter; further {unit} drop the oldest. "
        f"By default at least 4096 for each of `{signal}_max_queue_size`.",
        default=64 * 1024 * 1024,
        unit="bytes",
        signal=signal,
    )


_TRACES = _BatchRows("traces", "spans", "spans", "OTEL_BSP", 5.0)
_LOGS = _BatchRows("logs", "log records", "records", "OTEL_BLRP", 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class QueueFields(OtlpFields):
    """Settings of export queues and metric readers."""

    traces_schedule_delay_seconds: float = _TRACES.schedule_delay_seconds
    traces_export_timeout_seconds: float = _TRACES.export_timeout_seconds
    traces_max_queue_size: int = _TRACES.max_queue_size
    traces_max_queue_bytes: int = _max_queue_bytes("traces", "spans", "spans")
    traces_max_export_batch_size: int = _TRACES.max_export_batch_size
    logs_schedule_delay_seconds: float = _LOGS.schedule_delay_seconds
    logs_export_timeout_seconds: float = _LOGS.export_timeout_seconds
    logs_max_queue_size: int = _LOGS.max_queue_size
    logs_max_queue_bytes: int = _max_queue_bytes("logs", "log records", "records")
    logs_max_export_batch_size: int = _LOGS.max_export_batch_size
    metric_export_interval_seconds: float = setting(
        types.INTERVAL,
        "Interval between exports of metrics.",
        ("OTEL_METRIC_EXPORT_INTERVAL", types.MILLISECOND_INTERVAL),
        default=60.0,
        signal="metrics",
    )
    metric_export_timeout_seconds: float = setting(
        types.TIMEOUT,
        "Timeout of one export of metrics.",
        ("OTEL_METRIC_EXPORT_TIMEOUT", types.MILLISECOND_TIMEOUT),
        default=30.0,
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
    metrics_cardinality_limit: int = setting(
        types.COUNT,
        "Maximum of series of one instrument with the engine `lean`; further ones are counted together in one series.",
        default=2000,
        unit="series",
        signal="metrics",
    )


def _count_limit(variable: str, items: str, owner: str, signal: SignalOrAll) -> int | None:
    doc = f"Maximum of {items} of {owner}."
    return setting(types.LIMIT, doc, variable, default=128, unit=items, signal=signal)


def _length_limit(variable: str, attribute: str, signal: SignalOrAll) -> int | None:
    doc = f"Maximum length of a text in {attribute}."
    return setting(types.LIMIT, doc, variable, default=None, unit="characters", signal=signal)


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class LimitFields(QueueFields):
    """Limits of spans and log records; None: no limit. A limit that is not set has the value of the general one."""

    attribute_count_limit: int | None = _count_limit("OTEL_ATTRIBUTE_COUNT_LIMIT", "attributes", "any object", "all")
    attribute_value_length_limit: int | None = _length_limit(
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "any attribute", "all"
    )
    span_attribute_count_limit: int | None = _count_limit(
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "attributes", "a span", "traces"
    )
    span_attribute_value_length_limit: int | None = _length_limit(
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "a span attribute", "traces"
    )
    span_event_count_limit: int | None = _count_limit("OTEL_SPAN_EVENT_COUNT_LIMIT", "events", "a span", "traces")
    span_link_count_limit: int | None = _count_limit("OTEL_SPAN_LINK_COUNT_LIMIT", "links", "a span", "traces")
    event_attribute_count_limit: int | None = _count_limit(
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "attributes", "a span event", "traces"
    )
    link_attribute_count_limit: int | None = _count_limit(
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "attributes", "a span link", "traces"
    )
    logrecord_attribute_count_limit: int | None = _count_limit(
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "attributes", "a log record", "logs"
    )
    logrecord_attribute_value_length_limit: int | None = _length_limit(
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "a log record attribute", "logs"
    )
