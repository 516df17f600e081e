"""The current context with an implementation of another package."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.installed import install
from tests.programs import run

OWN = """
from opentelemetry.context.context import Context, _RuntimeContext

class Own(_RuntimeContext):
    def __init__(self):
        self._stack = [Context()]
    def attach(self, context):
        self._stack.append(context)
        return len(self._stack) - 1
    def get_current(self):
        return self._stack[-1]
    def detach(self, token):
        del self._stack[token:]
"""
PROGRAM = """
from flext_observability import init_observability, traced
from flext_observability.exporters.memory import memory_store

handle = init_observability(service_name="s", exporters="memory").unwrap()

@traced
def numbers():
    yield 1

with traced("outer"), traced("inner", {"n": 1}):
    pass
list(numbers())
handle.flush(5)
for span in sorted(memory_store().spans, key=lambda span: span.name):
    print(span.name, span.parent is None)
"""


def test_spans_follow_a_context_of_another_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "own_context", OWN, {"opentelemetry_context": {"own": "own_context:Own"}})
    done = run(PROGRAM, PYTHONPATH=str(tmp_path), OTEL_PYTHON_CONTEXT="own")
    assert done.lines == ["inner False", "numbers True", "outer True"], done.err
