"""Faults of the files of collector and Jaeger, found by both programs."""

from __future__ import annotations

import pytest

from tests.monitoring.validation.copies import Copy
from tests.stack.validation.cases import Case

COLLECTOR = "otel-collector.yaml"
JAEGER = "monitoring/jaeger/jaeger.yaml"
OVERLAY = "monitoring/collector/tail-sampling.yaml"
TIER = "monitoring/scale/tiers/sampler.yaml"

CASES = (
    Case(COLLECTOR, "  memory_limiter:", "  memory_limitr:", "no processor of this type", 'Use "memory_limiter"'),
    Case(COLLECTOR, "  otlp_http/prometheus:", "  otlp_htp/prometheus:", "no exporter of this type", 'Use "otlp_http"'),
    Case(COLLECTOR, "receivers: [otlp]", "receivers: [otpl]", 'receiver "otpl"', 'Use "otlp"'),
    Case(COLLECTOR, "[health_check, file_storage]", "[health_check, file_storag]", "extension", 'Use "file_storage"'),
    Case(COLLECTOR, "override: false", "overide: false", 'the setting "overide" does not exist', "Correct its name"),
    Case(COLLECTOR, "timeout: 2s", "timeout: many", "invalid duration", "Correct the value"),
    Case(COLLECTOR, "check_interval: 1s", "check_interval: 0s", "must be greater than zero", "Correct the value"),
    Case(COLLECTOR, "num_consumers: 4", "num_consumers: -1", "must be positive", "Correct the value"),
    Case(COLLECTOR, "queue_size:", "queue_size: lots #", "queue_size", "Correct the value"),
    Case(COLLECTOR, "allow_all_keys: true", "allow_all_keys: 7", "expected type 'bool'", "Correct the value"),
    Case(COLLECTOR, "IsMatch(", "IsMach(", 'does not support the function "IsMach"', "Correct the value"),
    Case(COLLECTOR, "[env, system]", "[env, systm]", "invalid detector key: systm", "Correct the value"),
    Case(COLLECTOR, "${env:COLLECTOR_OTLP_GRPC", "${evn:COLLECTOR_OTLP_GRPC", 'scheme "evn"', "Write ${env:NAME"),
    Case(COLLECTOR, "service:\n", "servic:\n", "this section does not exist", 'Use "service"'),
    Case(COLLECTOR, "    traces:\n", "    tracs:\n", "unknown pipeline signal", "Correct the entry"),
    Case(COLLECTOR, "level: info", "level: loud", "unrecognized level", "Correct the value"),
    Case(COLLECTOR, "storage: file_storage", "storage: file_storag", "no extension", 'Use "file_storage"'),
    Case(JAEGER, "  jaeger_storage:", "  jaeger_storag:", "no extension of this type", 'Use "jaeger_storage"'),
    Case(JAEGER, "  healthcheckv2:\n", "  healthcheckv2: 7\n  pprof:\n", "healthcheckv2", "Correct the value"),
    Case(JAEGER, "ttl:", "tll:", 'the setting "tll" does not exist', "Correct its name"),
    Case(JAEGER, "spans: 72h", "spans: long", "invalid duration", "Correct the value"),
    Case(JAEGER, "traces: traces_on_disk", "traces: traces_on_dsk", "storage", 'Use "traces_on_disk"'),
    Case(OVERLAY, "processors: [tail_sampling]", "processors: [tail_sampler]", "processor", 'Use "tail_sampling"'),
    Case(OVERLAY, "type: latency", "type: latncy", "is not a type of policy", 'Use "latency"'),
    Case(TIER, "  tail_sampling:", "  tail_samplng:", "no processor of this type", 'Use "tail_sampling"'),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_has_line_and_fix(copy: Copy, case: Case) -> None:
    case.check(copy, "otel-collector", "jaeger", "tiers", "queues")


def test_the_shipped_files_have_no_fault(copy: Copy) -> None:
    assert copy.faults("otel-collector", "jaeger", "tiers", "queues") == []


def test_a_file_with_a_fault_of_yaml_is_not_given_to_the_program(copy: Copy) -> None:
    copy.change(COLLECTOR, "  memory_limiter:", "\tmemory_limiter:")
    outcomes = copy.outcomes("otel-collector.yaml (")
    assert [outcome.verdict for outcome in outcomes] == ["not checked", "not checked"]
    assert all("is not readable as YAML, correct it first" in outcome.not_checked for outcome in outcomes)
