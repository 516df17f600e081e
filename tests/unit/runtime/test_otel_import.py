"""Modules that raise on a wrong variable are imported without it."""

from __future__ import annotations

import pytest

from flext_observability.runtime.otel_import import import_without_otel_env
from tests.programs import run


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_PROPAGATORS", "carrier_pigeon"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-7"),
        ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "nobody"),
    ],
)
def test_a_wrong_variable_stops_neither_start_nor_functions(variable: str, value: str) -> None:
    done = run(
        f"""
        import os
        from flext_observability import extract_context, init_observability, inject_context
        inject_context({{}}), extract_context({{}})
        result = init_observability(exporters="memory", console=False)
        print(result.success, os.environ[{variable!r}])
        reasons = [status.reason for status in result.unwrap().status().values()]
        print(any({value!r} in reason for reason in reasons))
        """,
        60,
        **{variable: value},
    )
    assert done.lines == [f"True {value}", "True"], done.err


def test_a_module_that_raises_for_another_reason_still_raises() -> None:
    with pytest.raises(ModuleNotFoundError):
        import_without_otel_env("opentelemetry.no_such_module")
