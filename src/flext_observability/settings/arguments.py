"""Keyword arguments of ``init_observability``, for type checkers and ``help``.

A test compares them with the field table. Annotations are evaluated here: deferred ones make the class slow to load.
"""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from flext_observability.domain.report import Signal

Scalar = str | int | float | bool
Redaction = bool | str | Sequence[str] | None
Exporters = str | Sequence[str] | Mapping[Signal, str | Sequence[str]]


class InitArguments(TypedDict, total=False):
    """Any field of the configuration. None means "not set", for limits "no limit"."""

    service_name: str | None
    service_version: str | None
    service_namespace: str | None
    service_instance_id: str | None
    environment: str | None
    resource_attributes: str | Mapping[str, Scalar] | None
    resource_detectors: Sequence[str] | None
    disabled: bool | None
    engine: str | None
    traces_enabled: bool | None
    tracing_enabled: bool | None
    metrics_enabled: bool | None
    logs_enabled: bool | None
    exporters: Exporters | None
    console: bool | None
    log_level: str | int | None
    internal_log_level: str | int | None
    instrument: Sequence[str] | None
    asgi_message_spans: bool | None
    propagators: Sequence[str] | None
    sampler: str | None
    sampler_arg: str | None
    sample_ratio: float | None
    id_generator: str | None
    correlation_id_header: str | None
    shutdown_timeout_seconds: float | None
    handle_signals: bool | None
    flush_timeout_seconds: float | None
    trace_registry_size: int | None
    trace_registry_age_seconds: float | None
    metrics_store_size: int | None
    otlp_file_path: str | None
    prometheus_host: str | None
    prometheus_port: int | None
    prometheus_client_enabled: bool | None
    metrics_directory: str | None
    metrics_gauge_modes: str | Mapping[str, str] | None
    redaction: Redaction
    traces_redaction: Redaction
    metrics_redaction: Redaction
    logs_redaction: Redaction
    redaction_allow: str | Sequence[str] | None
    redaction_key: str | None
    grafana_url: str | None
    config_file: str | None
    otlp_endpoint: str | None
    otlp_protocol: str | None
    otlp_headers: str | Mapping[str, str] | None
    otlp_certificate: str | None
    otlp_client_key: str | None
    otlp_client_certificate: str | None
    otlp_compression: str | None
    otlp_timeout_seconds: float | None
    otlp_insecure: bool | None
    otlp_gzip_level: int | None
    otlp_traces_endpoint: str | None
    otlp_traces_protocol: str | None
    otlp_traces_headers: str | Mapping[str, str] | None
    otlp_traces_certificate: str | None
    otlp_traces_client_key: str | None
    otlp_traces_client_certificate: str | None
    otlp_traces_compression: str | None
    otlp_traces_timeout_seconds: float | None
    otlp_traces_insecure: bool | None
    otlp_metrics_endpoint: str | None
    otlp_metrics_protocol: str | None
    otlp_metrics_headers: str | Mapping[str, str] | None
    otlp_metrics_certificate: str | None
    otlp_metrics_client_key: str | None
    otlp_metrics_client_certificate: str | None
    otlp_metrics_compression: str | None
    otlp_metrics_timeout_seconds: float | None
    otlp_metrics_insecure: bool | None
    otlp_logs_endpoint: str | None
    otlp_logs_protocol: str | None
    otlp_logs_headers: str | Mapping[str, str] | None
    otlp_logs_certificate: str | None
    otlp_logs_client_key: str | None
    otlp_logs_client_certificate: str | None
    otlp_logs_compression: str | None
    otlp_logs_timeout_seconds: float | None
    otlp_logs_insecure: bool | None
    traces_schedule_delay_seconds: float | None
    traces_export_timeout_seconds: float | None
    traces_max_queue_size: int | None
    traces_max_queue_bytes: int | None
    traces_max_export_batch_size: int | None
    logs_schedule_delay_seconds: float | None
    logs_export_timeout_seconds: float | None
    logs_max_queue_size: int | None
    logs_max_queue_bytes: int | None
    logs_max_export_batch_size: int | None
    metric_export_interval_seconds: float | None
    metric_export_timeout_seconds: float | None
    metrics_exemplar_filter: str | None
    metrics_temporality_preference: str | None
    metrics_default_histogram_aggregation: str | None
    metrics_cardinality_limit: int | None
    attribute_count_limit: int | None
    attribute_value_length_limit: int | None
    span_attribute_count_limit: int | None
    span_attribute_value_length_limit: int | None
    span_event_count_limit: int | None
    span_link_count_limit: int | None
    event_attribute_count_limit: int | None
    link_attribute_count_limit: int | None
    logrecord_attribute_count_limit: int | None
    logrecord_attribute_value_length_limit: int | None
    push_gateway: str | None
    push_gateway_job: str | None
    push_gateway_grouping: str | Mapping[str, Scalar] | None
    push_gateway_delete_at_exit: bool | None
    alertmanager_url: str | None
    alert_webhook_url: str | None
    alert_notifiers: Sequence[str] | None
    alert_rules_interval_seconds: float | None
    alert_repeat_interval_seconds: float | None
    alert_escalate_warning_seconds: float | None
    alert_escalate_error_seconds: float | None
    alert_escalate_critical_seconds: float | None
    self_metrics: bool | None
    overhead_budget_percent: float | None
    health_telemetry: bool | None
    ops_token: str | None
    ops_username: str | None
    ops_password: str | None
    ops_allowed_hosts: Sequence[str] | None
    plugins: Sequence[str] | None
    spool: bool | None
    spool_directory: str | None
    spool_max_bytes: int | None
    spool_max_age_seconds: float | None
    spool_while_down: bool | None
    spool_open_spans_after_seconds: float | None
