"""Tracer providers: samplers, span limits, and a provider for each service name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Decision, Sampler

from flext_observability.adapters.service_tracers import MAX_SERVICE_NAMES
from flext_observability.engine.attribute_filling import FilledProvider
from flext_observability.engine.tracer import EngineTracerProvider
from flext_observability.pipeline.export_processors import ExportSpanProcessor
from flext_observability.pipeline.ledger import SignalCounter
from flext_observability.providers.id_generator import make_id_generator
from flext_observability.providers.notices import Notices
from flext_observability.providers.tracer import (
    ServiceTracers,
    make_sampler,
    make_span_limits,
)
from flext_observability.settings.config import FlextObservabilityConfig
from tests.installed import install

Settings = Callable[..., FlextObservabilityConfig]


def tracers(config: FlextObservabilityConfig, notices: Notices) -> ServiceTracers:
    processor = ExportSpanProcessor(SignalCounter("traces"), [])
    counter = SignalCounter("traces")
    return ServiceTracers(
        config, Resource({"service.name": "shop"}), make_sampler(config, notices), processor, counter, notices
    )


def sampled(sampler: Sampler, trace_id: int) -> bool:
    return sampler.should_sample(None, trace_id, "work").decision is Decision.RECORD_AND_SAMPLE


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ({}, True),
        ({"sampler": "always_off"}, False),
        ({"sampler": "always_on"}, True),
        ({"sampler": "parentbased_always_off"}, False),
        ({"sampler": "traceidratio", "sample_ratio": 0.0}, False),
        ({"sampler": "traceidratio", "sample_ratio": 1.0}, True),
        ({"sample_ratio": 0.0}, False),
        ({"sample_ratio": 1.0}, True),
    ],
)
def test_built_in_samplers(settings: Settings, notices: Notices, arguments: dict[str, Any], *, kept: bool) -> None:
    assert sampled(make_sampler(settings(**arguments), notices), 2**127) is kept
    assert notices.all() == ()


def test_ratio_sampler(settings: Settings, notices: Notices) -> None:
    sampler = make_sampler(settings(sample_ratio=0.25), notices)
    step = 2**64 // 1000
    assert sum(sampled(sampler, number * step) for number in range(1000)) in {250, 251}


def test_no_limit_is_unlimited(settings: Settings) -> None:
    limits = make_span_limits(settings(span_event_count_limit=3, span_attribute_value_length_limit=10))
    assert (limits.max_events, limits.max_span_attribute_length) == (3, 10)
    assert make_span_limits(settings()).max_span_attribute_length is None


def test_each_service_name_has_its_own_resource(settings: Settings, notices: Notices) -> None:
    made = tracers(settings(), notices)
    billing = made.for_service("billing")
    assert billing.resource.attributes["service.name"] == "billing"
    assert made.for_service("billing") is billing
    assert made.for_service("shop") is made.provider


def test_number_of_service_names_is_limited(settings: Settings, notices: Notices) -> None:
    made = tracers(settings(), notices)
    providers = {id(made.for_service(f"service-{number}")) for number in range(MAX_SERVICE_NAMES)}
    assert len(providers) == MAX_SERVICE_NAMES
    assert made.for_service("one-more") is made.provider


SAMPLERS = """
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

def works(argument):
    assert argument == "0.5", argument
    return ALWAYS_OFF

def invalid(argument):
    return "not a sampler"

def broken(argument):
    raise RuntimeError("no licence")
"""


def test_installed_samplers(
    notices: Notices, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flext_observability.settings.resolve import resolve

    points = {
        "opentelemetry_traces_sampler": {
            "own": "own_samplers:works",
            "invalid": "own_samplers:invalid",
            "broken": "own_samplers:broken",
        }
    }
    install(tmp_path, monkeypatch, "own_samplers", SAMPLERS, points)
    environ = {"OTEL_TRACES_SAMPLER": "own", "OTEL_TRACES_SAMPLER_ARG": "0.5"}
    config = resolve(None, {}, environ).unwrap().config
    assert not sampled(make_sampler(config, notices), 1)
    assert notices.all() == ()
    expected = {
        "invalid": "The sampler 'invalid' is not a sampler: every trace is sampled",
        "broken": "The sampler 'broken' failed (RuntimeError: no licence): every trace is sampled",
        "absent": "The sampler 'absent' is not installed: every trace is sampled",
    }
    for name, words in expected.items():
        config = resolve(None, {}, {"OTEL_TRACES_SAMPLER": name}).unwrap().config
        assert sampled(make_sampler(config, notices), 1)
        assert notices.all()[-1].message == words
        assert notices.all()[-1].fix


def test_the_engine_selects_the_tracer(settings: Settings, notices: Notices) -> None:
    assert isinstance(tracers(settings(), notices).provider, EngineTracerProvider)
    assert isinstance(tracers(settings(engine="sdk"), notices).provider, TracerProvider)


@pytest.mark.parametrize(("sampler", "filled"), [("parentbased_always_on", True), ("installed", False)])
def test_spans_of_the_sdk_are_filled_when_the_sampler_ignores_attributes(
    settings: Settings, notices: Notices, sampler: str, *, filled: bool
) -> None:
    provider = tracers(settings(engine="sdk", sampler=sampler), notices).provider
    assert isinstance(provider, FilledProvider)
    assert (provider.filling is not None) is filled


ID_GENERATORS = """
from opentelemetry.sdk.trace.id_generator import IdGenerator

class Counting(IdGenerator):
    def generate_trace_id(self):
        return 5
    def generate_span_id(self):
        return 7

def invalid():
    return 5

def broken():
    raise RuntimeError("no licence")
"""


def test_installed_id_generators(
    notices: Notices, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"own": "Counting", "invalid": "invalid", "broken": "broken"}
    points = {"opentelemetry_id_generator": {name: f"own_ids:{attribute}" for name, attribute in names.items()}}
    install(tmp_path, monkeypatch, "own_ids", ID_GENERATORS, points)
    assert make_id_generator(settings(), notices) is None
    for engine in ("lean", "sdk"):
        config = settings(engine=engine, id_generator="own")
        made = tracers(config, notices)
        assert made.provider.get_tracer("t").start_span("work").get_span_context().trace_id == 5
    assert notices.all() == ()
    expected = {
        "invalid": "The id generator 'invalid' is not an id generator: ids are random",
        "broken": "The id generator 'broken' failed (RuntimeError: no licence): ids are random",
        "absent": "The id generator 'absent' is not installed: ids are random",
    }
    for name, words in expected.items():
        assert make_id_generator(settings(id_generator=name), notices) is None
        assert notices.all()[-1].message == words
