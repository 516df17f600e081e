from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, Final, cast

import pytest

from flext_observability.domain.report import Notice
from flext_observability.settings.config import FIELDS, FlextObservabilityConfig, set_fields
from flext_observability.settings.fields import UNSET
from flext_observability.settings.resolve import ResolvedSettings, resolve


def resolved(environ: Mapping[str, str] | None = None, /, **arguments: object) -> ResolvedSettings:
    return resolve(None, {"service_name": "shop", **arguments}, environ or {}).unwrap()


def notice_with(settings: ResolvedSettings, text: str) -> Notice:
    (notice,) = [notice for notice in settings.notices if text in notice.message]
    return notice


def failure(environ: Mapping[str, str] | None = None, /, **arguments: object) -> str:
    result = resolve(None, arguments, environ or {})
    assert result.code == "invalid_settings"
    return result.error or ""


def test_without_input_every_field_has_its_default() -> None:
    settings = resolve(None, {}, {}).unwrap()
    assert len(set_fields(settings.config)) == len(FIELDS)
    assert set(settings.sources.values()) == {"default"}
    assert settings.named_for_all == frozenset()


def test_valid_settings_have_no_notice() -> None:
    assert resolved().notices == ()


def test_every_field_has_a_source() -> None:
    sources = resolved({"OTEL_SDK_DISABLED": "true"}, otlp_compression="gzip").sources
    assert set(FIELDS) <= set(sources)
    assert sources["otlp_compression"] == "argument"
    assert sources["disabled"] == "OTEL_SDK_DISABLED"
    assert sources["console"] == "default"


def test_failure_names_all_invalid_arguments() -> None:
    text = failure(sample_ratio=7, unknown=1)
    assert "sample_ratio" in text
    assert "unknown" in text


def test_configuration_of_another_type_is_rejected() -> None:
    result = resolve(cast("FlextObservabilityConfig", {"service_name": "x"}), {}, {})
    assert result.error == (
        "Invalid configuration: it must be a FlextObservabilityConfig, got dict. "
        "Pass single settings by name, as in init_observability(service_name=…)"
    )


def test_resolved_configuration_can_be_replaced_and_resolved_again() -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t:4318/v1/traces",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "9",
    }
    first = resolved(environ, sample_ratio=0.5, exporters=["otlp", "memory"]).config
    assert resolve(first, {}, {}).unwrap().config == first
    changed = dataclasses.replace(first, sample_ratio=0.1, service_name="other")
    second = resolve(changed, {}, environ).unwrap().config
    assert (second.service_name, second.sample_ratio, second.sampler_arg) == ("other", 0.1, "0.1")
    assert second.exporters == first.exporters


def test_configuration_file_is_ignored_with_a_notice() -> None:
    notice = notice_with(resolved({"OTEL_CONFIG_FILE": "otel.yaml"}), "'otel.yaml' is ignored")
    assert notice.degrades
    assert notice.fix


def test_jaeger_agent_variable_is_a_notice() -> None:
    assert "OTLP" in notice_with(resolved({"JAEGER_AGENT_HOST": "jaeger"}), "JAEGER_AGENT_HOST").fix


@pytest.mark.parametrize(("text", "count"), [("10000", 1), ("10", 0), ("0", 0)])
def test_otlp_timeout_in_milliseconds_is_a_notice(text: str, count: int) -> None:
    notices = resolved({"OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": text}).notices
    assert [notice.signal for notice in notices if "Python reads seconds" in notice.message] == ["logs"] * count


class TestIdentity:
    def test_default_service_name_is_a_notice(self) -> None:
        settings = resolve(None, {}, {}).unwrap()
        name = f"unknown_service:{os.path.basename(sys.executable)}"  # noqa: PTH119 - as written there
        assert settings.config.service_name == name
        assert notice_with(settings, name).fix == "Pass service_name, or set OTEL_SERVICE_NAME"

    def test_service_name_variable_has_precedence_over_resource_attribute(self) -> None:
        environ = {"OTEL_SERVICE_NAME": "name", "OTEL_RESOURCE_ATTRIBUTES": "service.name=attribute,team=a"}
        config = resolve(None, {}, environ).unwrap().config
        assert (config.service_name, config.resource_attributes) == ("name", {"team": "a"})

    def test_resource_attributes_set_the_identity(self) -> None:
        text = "service.name=shop,service.version=2,service.namespace=n,service.instance.id=i"
        environ = {"OTEL_RESOURCE_ATTRIBUTES": f"{text},deployment.environment.name=e"}
        settings = resolve(None, {}, environ).unwrap()
        config = settings.config
        assert (config.service_name, config.service_version, config.service_namespace) == ("shop", "2", "n")
        assert (config.service_instance_id, config.environment, config.resource_attributes) == ("i", "e", {})
        assert settings.sources["service_version"] == "OTEL_RESOURCE_ATTRIBUTES"

    def test_attribute_of_an_argument_has_precedence_over_a_variable(self) -> None:
        arguments = {"resource_attributes": {"service.name": "argument"}}
        assert resolve(None, arguments, {"OTEL_SERVICE_NAME": "x"}).unwrap().config.service_name == "argument"

    def test_former_environment_attribute_is_read_and_kept(self) -> None:
        config = resolved({"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=e"}).config
        assert (config.environment, config.resource_attributes) == ("e", {"deployment.environment": "e"})


class TestSampler:
    def test_default(self) -> None:
        config = resolved().config
        assert (config.sampler, config.sampler_arg, config.sample_ratio) == ("parentbased_always_on", "", None)

    def test_ratio_selects_the_parent_based_sampler(self) -> None:
        settings = resolved(sample_ratio=0.25)
        config = settings.config
        assert (config.sampler, config.sampler_arg, config.sample_ratio) == ("parentbased_traceidratio", "0.25", 0.25)
        assert settings.sources["sampler"] == "argument"

    def test_ratio_is_the_argument_of_a_ratio_sampler(self) -> None:
        config = resolved(sampler="traceidratio", sample_ratio=0.25).config
        assert (config.sampler, config.sampler_arg) == ("traceidratio", "0.25")

    def test_argument_of_a_ratio_sampler_is_the_ratio(self) -> None:
        environ = {"OTEL_TRACES_SAMPLER": "TraceIdRatio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}
        config = resolved(environ).config
        assert (config.sampler, config.sample_ratio) == ("traceidratio", 0.1)

    def test_ratio_sampler_without_argument_samples_everything(self) -> None:
        config = resolved({"OTEL_TRACES_SAMPLER": "traceidratio"}).config
        assert (config.sample_ratio, config.sampler_arg) == (1.0, "1.0")

    def test_invalid_sampler_argument_in_the_environment_is_a_notice(self) -> None:
        settings = resolved({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "half"})
        assert settings.config.sample_ratio == 1.0
        assert notice_with(settings, "OTEL_TRACES_SAMPLER_ARG='half'").degrades

    def test_invalid_sampler_argument_is_an_error(self) -> None:
        assert "sampler_arg must be" in failure(sampler="traceidratio", sampler_arg="half")

    def test_ratio_of_lower_precedence_is_ignored(self) -> None:
        config = resolved({"FLEXT_OBSERVABILITY_SAMPLE_RATIO": "0.5"}, sampler="always_on").config
        assert (config.sampler, config.sample_ratio) == ("always_on", None)

    def test_ratio_of_higher_precedence_replaces_the_sampler(self) -> None:
        assert (
            resolved({"OTEL_TRACES_SAMPLER": "always_off"}, sample_ratio=0.5).config.sampler
            == "parentbased_traceidratio"
        )

    def test_sampler_without_ratio_and_ratio_are_an_error(self) -> None:
        assert (
            failure(sampler="always_off", sample_ratio=0.5)
            == "Invalid settings: sampler 'always_off' and sample_ratio exclude each other. "
            "Correct the arguments; nothing was changed."
        )

    def test_sampler_and_ratio_in_the_environment_are_a_notice(self) -> None:
        environ = {"FLEXT_OBSERVABILITY_SAMPLER": "always_off", "FLEXT_OBSERVABILITY_SAMPLE_RATIO": "0.5"}
        settings = resolved(environ)
        assert settings.config.sampler == "parentbased_traceidratio"
        assert notice_with(settings, "FLEXT_OBSERVABILITY_SAMPLER='always_off' is ignored").degrades

    def test_installed_sampler_keeps_its_argument(self) -> None:
        config = resolved(sampler="rate_limited", sampler_arg="10/s").config
        assert (config.sampler, config.sampler_arg, config.sample_ratio) == ("rate_limited", "10/s", None)


class TestLimits:
    def test_limits_default_to_the_general_ones(self) -> None:
        environ = {"OTEL_ATTRIBUTE_COUNT_LIMIT": "7", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "70"}
        config = resolved({**environ, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "3"}).config
        assert (config.span_attribute_count_limit, config.event_attribute_count_limit) == (7, 7)
        assert (config.link_attribute_count_limit, config.logrecord_attribute_count_limit) == (3, 7)
        assert (config.span_attribute_value_length_limit, config.logrecord_attribute_value_length_limit) == (70, 70)
        assert (config.span_event_count_limit, config.span_link_count_limit) == (128, 128)

    def test_general_argument_has_precedence_over_a_variable(self) -> None:
        settings = resolved({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "3"}, attribute_count_limit=None)
        assert settings.config.span_attribute_count_limit is None
        assert settings.sources["span_attribute_count_limit"] == "argument"

    def test_invalid_limit_is_replaced_by_the_general_one(self) -> None:
        environ = {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many", "OTEL_ATTRIBUTE_COUNT_LIMIT": "5"}
        assert resolved(environ).config.span_attribute_count_limit == 5


class TestQueues:
    def test_default_batch_size_is_limited_by_the_queue(self) -> None:
        settings = resolved(traces_max_queue_size=100)
        assert settings.config.traces_max_export_batch_size == 100
        assert settings.notices == ()

    def test_reduced_batch_size_is_a_notice(self) -> None:
        settings = resolved({"OTEL_BLRP_MAX_QUEUE_SIZE": "10", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "20"})
        assert settings.config.logs_max_export_batch_size == 10
        assert notice_with(settings, "logs_max_export_batch_size is reduced to 10").signal == "logs"


class TestSignalSettings:
    def test_variable_for_a_signal_has_precedence_over_the_general_one(self) -> None:
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://b:4318/l",
        }
        assert resolved(environ).config.otlp_logs_endpoint == "http://b:4318/l"

    def test_general_argument_has_precedence_over_a_variable(self) -> None:
        settings = resolved({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://b:4318/l"}, otlp_endpoint="http://a:4318")
        assert settings.config.otlp_logs_endpoint == ""
        assert settings.sources["otlp_logs_endpoint"] == "default"

    def test_argument_for_a_signal_has_precedence_over_the_general_one(self) -> None:
        assert resolved(otlp_timeout_seconds=1, otlp_logs_timeout_seconds=2).config.otlp_logs_timeout_seconds == 2.0


class TestExporters:
    ALL_HTTP: Final = {"traces": ("otlp_http",), "metrics": ("otlp_http",), "logs": ("otlp_http",)}

    def test_default_is_otlp_over_http(self) -> None:
        assert resolved(environment="test").config.exporters == self.ALL_HTTP

    def test_port_4317_alone_means_grpc(self) -> None:
        exporters = resolved(environment="test", otlp_endpoint="http://c:4317").config.exporters
        assert set(exporters.values()) == {("otlp_grpc",)}

    def test_protocol_is_chosen_by_signal(self) -> None:
        environ = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf"}
        exporters = resolved(environ, environment="test").config.exporters
        assert exporters == {"traces": ("otlp_grpc",), "metrics": ("otlp_grpc",), "logs": ("otlp_http",)}

    def test_opentelemetry_names_are_aliases(self) -> None:
        exporters = resolved(exporters=["otlp_proto_http", "otlp_proto_grpc", "otlp_http"]).config.exporters
        assert exporters["traces"] == ("otlp_http", "otlp_grpc")

    def test_exporters_named_for_all_signals(self) -> None:
        settings = resolved({"OTEL_LOGS_EXPORTER": "console"}, exporters="prometheus")
        assert set(settings.config.exporters.values()) == {("prometheus",)}
        assert settings.named_for_all == {"traces", "metrics", "logs"}

    def test_signal_without_key_is_read_from_the_next_source(self) -> None:
        environ = {"OTEL_LOGS_EXPORTER": "memory", "FLEXT_OBSERVABILITY_METRICS_EXPORTER": "prometheus"}
        settings = resolved(environ, exporters={"traces": ["memory"]}, environment="test")
        assert settings.config.exporters == {"traces": ("memory",), "metrics": ("prometheus",), "logs": ("memory",)}
        assert settings.named_for_all == frozenset()
        assert settings.sources["exporters.logs"] == "OTEL_LOGS_EXPORTER"

    def test_our_variable_for_all_signals_has_precedence_over_opentelemetry(self) -> None:
        environ = {"FLEXT_OBSERVABILITY_EXPORTERS": "memory", "OTEL_LOGS_EXPORTER": "console"}
        settings = resolved({**environ, "FLEXT_OBSERVABILITY_TRACES_EXPORTER": "none"})
        assert settings.config.exporters == {"traces": (), "metrics": ("memory",), "logs": ("memory",)}
        assert settings.named_for_all == {"metrics", "logs"}

    def test_configuration_object_may_name_exporters_too(self) -> None:
        given = FlextObservabilityConfig(exporters=cast("Any", ["memory"]))
        assert resolve(given, {}, {}).unwrap().named_for_all == {"traces", "metrics", "logs"}

    def test_unknown_exporter_names_are_kept(self) -> None:
        assert resolved(exporters={"traces": "unknown"}).config.exporters["traces"] == ("unknown",)

    @pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
    def test_disabled_signal_has_no_exporters(self, signal: str) -> None:
        exporters = resolved(environment="test", **{f"{signal}_enabled": False}).config.exporters
        assert exporters == {**self.ALL_HTTP, signal: ()}


class TestConsole:
    TREE = ("otlp_http", "console")

    def test_console_is_added_in_development(self) -> None:
        exporters = resolved({"FLEXT_ENVIRONMENT": "Development"}).config.exporters
        assert exporters == {"traces": self.TREE, "metrics": ("otlp_http",), "logs": self.TREE}

    def test_console_is_not_added_in_other_environments(self) -> None:
        assert resolved(environment="production").config.exporters == TestExporters.ALL_HTTP

    def test_console_is_not_added_to_named_exporters(self) -> None:
        assert resolved(environment="development", exporters="memory").config.exporters["traces"] == ("memory",)

    def test_true_adds_console_to_named_exporters(self) -> None:
        exporters = resolved(console=True, exporters={"traces": "memory", "logs": []}).config.exporters
        assert exporters == {"traces": ("memory", "console"), "metrics": ("otlp_http",), "logs": ()}

    def test_true_adds_console_once(self) -> None:
        assert resolved(console=True, exporters="console").config.exporters["traces"] == ("console",)

    def test_false_never_adds_console(self) -> None:
        assert resolved(console=False, environment="development").config.exporters == TestExporters.ALL_HTTP

    def test_console_is_added_on_a_terminal_without_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        leader, follower = os.openpty()
        with os.fdopen(leader, "rb"), os.fdopen(follower, "w") as terminal:
            monkeypatch.setattr(sys, "stderr", terminal)
            assert resolved().config.exporters["logs"] == self.TREE
            assert resolved(environment="production").config.exporters["logs"] == ("otlp_http",)

    def test_missing_or_closed_stderr_is_not_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with open(os.devnull, "w", encoding="utf-8") as closed:  # noqa: PTH123 - a device
            pass
        for stream in (None, closed):
            monkeypatch.setattr(sys, "stderr", stream)
            assert resolved().config.exporters["logs"] == ("otlp_http",)


def test_resolving_is_fast() -> None:
    resolve(None, {}, os.environ)
    best = min(_seconds() for _ in range(20))
    assert best < 0.003  # typical: 0.0002; room for a noisy machine and for coverage


def _seconds() -> float:
    began = time.perf_counter()
    resolve(None, {"service_name": "shop"}, os.environ)
    return time.perf_counter() - began


def test_resolved_configuration_has_no_unset_field() -> None:
    assert all(value is not UNSET for value in set_fields(resolved().config).values())
