"""Any value of any setting, with a full start: no exception, and invalid values are reported with a fix."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings, strategies as st
from opentelemetry import metrics, trace

from flext_observability import FlextObservabilityConfig, Observability, init_observability, shutdown_observability
from flext_observability.settings.config import FIELDS

pytestmark = pytest.mark.any_sdk

NO_EXPORTERS = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
VARIABLES = {variable.name: row for row in FIELDS.values() for variable in row.variables}
# Without names that would write files, listen on a port, or connect to a local collector.
WORDS = st.sampled_from(
    (
        *(
            "true",
            "false",
            "0",
            "1",
            "-1",
            "7",
            "0.5",
            "1e400",
            "nan",
            "inf",
            "none",
            "memory",
            "gzip",
            "grpc",
            "DEBUG",
        ),
        *("http/protobuf", "traceidratio", "parentbased_always_off", "always_on", "delta", "always_off", "b3", "httpx"),
        *("http://192.0.2.1:4317", "192.0.2.1:4318", "http://[", "a=b", "a", "=,", "%ZZ=%", "a=%0A", "x" * 5000),
        *("development", "base2_exponential_bucket_histogram", "\udc80", "ü", "\x00", " ", "'; drop"),
    )
)
SCALARS = st.one_of(
    WORDS,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.just(10**400),
    st.binary(max_size=9),
    st.builds(object),
    st.just(Decimal("NaN")),
)
OBJECTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.just("traces"), inner, max_size=3),
    max_leaves=4,
)


@pytest.fixture(autouse=True, scope="module")
def restore_log_levels() -> Iterator[None]:
    """Restore the levels that ``internal_log_level`` changes."""
    ours = [logging.getLogger(name) for name in ("opentelemetry", "flext_observability")]
    before = [logger.level for logger in ours]
    yield
    for logger, level in zip(ours, before, strict=True):
        logger.setLevel(level)


@pytest.fixture(autouse=True, scope="module")
def _empty_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Create what the values name as directories below a temporary one."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("any"))
    yield
    os.chdir(before)


@contextmanager
def variables(environ: Mapping[str, str]) -> Iterator[None]:
    """Set the variables that an environment can hold, and disable default exporters."""
    possible = {name: text for name, text in environ.items() if "\x00" not in text}
    with patch.dict(os.environ, {**NO_EXPORTERS, **possible}):
        yield


def use(handle: Observability) -> None:
    """Record, read the status, flush and shut down."""
    with trace.get_tracer("t").start_as_current_span("s"):
        logging.getLogger("any.setting").warning("line")
        metrics.get_meter("t").create_histogram("h").record(1)
    for status in handle.status().values():
        assert status.state in {"active", "degraded", "off"}
        assert bool(status.reason) == (status.state != "active")
        assert bool(status.fix) == (status.state != "active")
        assert all(notice.fix for notice in status.notices if notice.degrades)
    repr(handle)
    assert handle.flush(0.5).success
    assert shutdown_observability(0.5).success


def use_or_explain(name: str, result: Any) -> None:
    if result.success:
        use(result.unwrap())
        return
    is_unknown = result.code in {"unknown_exporter", "unknown_notifier", "unknown_plugin"}
    assert is_unknown or result.code == "invalid_settings"
    assert is_unknown or (name in result.error and " must be " in result.error)
    wanted = {"unknown_exporter": "known names are", "invalid_settings": " must be "}
    assert wanted.get(result.code, "register_") in result.error


@settings(max_examples=250)
@given(st.sampled_from(sorted(FIELDS)), OBJECTS)
def test_any_object_for_any_argument(name: str, value: object) -> None:
    arguments: dict[str, Any] = {"exporters": "memory", "console": False, name: value}
    with variables({}):
        use_or_explain(name, init_observability(**arguments))


@settings(max_examples=100)
@given(st.sampled_from(sorted(FIELDS)), OBJECTS)
def test_any_object_in_the_configuration(name: str, value: object) -> None:
    arguments: dict[str, Any] = {"exporters": "memory", "console": False, name: value}
    with variables({}):
        use_or_explain(name, init_observability(FlextObservabilityConfig(**arguments)))


@settings(max_examples=250)
@given(st.sampled_from(sorted(VARIABLES)), WORDS | st.text(st.characters(codec="utf-8"), max_size=9))
def test_any_text_in_any_variable(name: str, text: str) -> None:
    with variables({name: text}):
        handle = init_observability().unwrap()
        found = [notice for status in handle.status().values() for notice in status.notices if name in notice.message]
        field_type = next(each.type for each in VARIABLES[name].variables if each.name == name) or VARIABLES[name].type
        if text.strip() and "\x00" not in text and not readable(field_type.parse, text):
            assert found, "an ignored value has a notice"
            assert all(notice.fix for notice in found if notice.degrades)
        use(handle)


def readable(parse: Any, text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(sorted(VARIABLES)), WORDS, max_size=30))
def test_any_texts_in_many_variables(environ: dict[str, str]) -> None:
    with variables(environ):
        use(init_observability(exporters="memory", console=False).unwrap())


@pytest.mark.parametrize("config", [1, "x", {"service_name": "x"}, object(), FlextObservabilityConfig])
def test_configuration_of_another_type_is_rejected(config: Any) -> None:
    result = init_observability(config)
    assert result.code == "invalid_settings"
    assert "FlextObservabilityConfig" in (result.error or "")
