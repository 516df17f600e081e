"""Settings, resource and log record processor → logger provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flext_observability.engine.compat import make_logger_provider
from flext_observability.engine.logger import EngineLoggerProvider

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.resources import Resource

    from flext_observability.pipeline.export_processors import ExportLogRecordProcessor
    from flext_observability.settings.config import FlextObservabilityConfig


def make_loggers(
    config: FlextObservabilityConfig, resource: Resource, processor: ExportLogRecordProcessor
) -> LoggerProvider | EngineLoggerProvider:
    """Return the provider of the configured engine, which passes its records to the processor."""
    limits = config.logrecord_attribute_count_limit, config.logrecord_attribute_value_length_limit
    if config.engine != "sdk":
        return EngineLoggerProvider(resource, limits, processor)
    provider = make_logger_provider(resource, *limits)
    provider.add_log_record_processor(processor)
    return provider
