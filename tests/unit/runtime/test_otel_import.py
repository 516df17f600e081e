"""Modules that raise on a wrong variable are imported without it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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


MODULE = """
from concurrent.futures import ThreadPoolExecutor

executor = ThreadPoolExecutor(max_workers=4)
futures = [executor.submit(int, text) for text in ("7", "seven")]
result, error = futures[0].result(), futures[1].exception()
executor.shutdown(wait=True, cancel_futures=True)
"""


def test_a_module_that_uses_threads_is_imported_where_none_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "detecting_module.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        module = import_without_otel_env("detecting_module")
    assert (module.result, type(module.error)) == (7, ValueError)
    assert ThreadPoolExecutor(1).submit(int, "7").result(5) == 7, "threads are used again"
