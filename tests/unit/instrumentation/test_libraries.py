from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.starlette import StarletteInstrumentor

from flext_observability.instrumentation import libraries

# A published package with instrumentations that fail in different ways.
ENTRY_POINTS = """
[opentelemetry_instrumentor]
needs_missing = failing:NeedsMissing
needs_any = failing:NeedsAny
needs_newer = failing:NeedsNewer
raises = failing:Raises
stuck = failing:Stuck
hangs = failing:Hangs
imports_missing = failing_import:Anything
"""
FAILING = """
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

class Base(BaseInstrumentor):
    needed = ()
    def instrumentation_dependencies(self): return self.needed
    def _instrument(self, **kwargs): pass
    def _uninstrument(self, **kwargs): pass

class NeedsMissing(Base):
    needed = ("no-such-library >= 2",)

class NeedsNewer(Base):
    needed = ("pytest >= 999",)

class NeedsAny(Base):
    def instrument(self, **kwargs):
        from opentelemetry.instrumentation.dependencies import DependencyConflict, DependencyConflictError
        raise DependencyConflictError(DependencyConflict(required_any=["one >= 1; extra == 'x'", "two"], found_any=[]))

class Raises(Base):
    def _instrument(self, **kwargs): raise RuntimeError("out of order")

class Hangs(Base):
    def _instrument(self, **kwargs):
        import threading
        threading.Event().wait(5)

class Stuck(Base):
    def _uninstrument(self, **kwargs): raise RuntimeError("stuck")
"""

PROGRAM = """
import asyncio, httpx
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)

from flext_observability.instrumentation import libraries
print(libraries.instrument(["starlette", "httpx"]))

import starlette.applications
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def call():
    app = starlette.applications.Starlette(routes=[Route("/tea", lambda request: PlainTextResponse("ok"))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        return (await client.get("/tea")).text

print(asyncio.run(call()))
try:
    httpx.get("http://127.0.0.1:1/", trust_env=False)
except httpx.ConnectError:
    pass
print(sorted({span.kind.name for span in spans.get_finished_spans()}))
spans.clear()
libraries.uninstrument()
print(asyncio.run(call()), len(spans.get_finished_spans()))
"""


@pytest.fixture(autouse=True)
def _uninstrumented_afterwards() -> Iterator[None]:
    yield
    libraries.uninstrument()


@pytest.fixture
def _failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "failing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: failing\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "failing.py").write_text(FAILING)
    (tmp_path / "failing_import.py").write_text("import no_such_library.client\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_real_instrumentations_record_spans_until_they_are_switched_off() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True, text=True, timeout=60)

    assert run.stdout.splitlines() == ["()", "ok", "['CLIENT', 'SERVER']", "ok 0"]


@pytest.mark.parametrize("name", ["httpx", " HTTPX "])
def test_library_is_switched_on_and_off_by_name(name: str) -> None:
    assert libraries.instrument([name]) == ()
    assert HTTPXClientInstrumentor().is_instrumented_by_opentelemetry

    libraries.uninstrument()
    assert not HTTPXClientInstrumentor().is_instrumented_by_opentelemetry


def test_instrument_is_idempotent() -> None:
    assert libraries.instrument(["httpx", "httpx"]) == ()
    assert libraries.instrument(["httpx"]) == ()


@pytest.mark.usefixtures("_failing")
def test_an_instrumentation_that_does_not_return_is_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "INSTRUMENT_SECONDS", 0.05)
    (notice,) = libraries.instrument(["hangs"])
    assert (notice.degrades, notice.message) == (True, "Instrumentation 'hangs' does not return")
    assert notice.fix == "Upgrade it, or remove 'hangs'"


def test_unknown_name_has_the_pip_line_as_fix() -> None:
    (notice,) = libraries.instrument(["no_such_thing"])

    assert notice.degrades
    assert "'no-such-thing'" in notice.message
    assert notice.fix == "pip install opentelemetry-instrumentation-no-such-thing"


def test_valid_names_are_switched_on_beside_invalid_ones() -> None:
    assert len(libraries.instrument(["no_such_thing", "starlette"])) == 1
    assert StarletteInstrumentor().is_instrumented_by_opentelemetry


def test_logging_needs_no_instrumentation() -> None:
    (notice,) = libraries.instrument(["logging"])

    assert (notice.signal, notice.degrades) == ("logs", False)


def test_instrumentation_of_the_program_is_not_changed() -> None:
    HTTPXClientInstrumentor().instrument()
    try:
        (notice,) = libraries.instrument(["httpx"])
        libraries.uninstrument()

        assert not notice.degrades
        assert HTTPXClientInstrumentor().is_instrumented_by_opentelemetry
    finally:
        HTTPXClientInstrumentor().uninstrument()


@pytest.mark.usefixtures("_failing")
@pytest.mark.parametrize(
    ("name", "message", "fix"),
    [
        (
            "needs-missing",
            "needs no-such-library >= 2: found nothing",
            "pip install 'no-such-library >= 2'",
        ),
        ("needs_any", "needs one >= 1 or two: found nothing", "pip install 'one >= 1'"),
        ("needs_newer", "needs pytest >= 999: found pytest ", "pip install 'pytest >= 999'"),
        ("raises", "failed: RuntimeError: out of order", "Upgrade it"),
        ("imports_missing", "the package no_such_library is not installed", "pip install no_such_library"),
    ],
)
def test_failure_has_a_fix(name: str, message: str, fix: str) -> None:
    (notice,) = libraries.instrument([name])

    assert notice.degrades
    assert message in notice.message
    assert notice.fix.startswith(fix)


@pytest.mark.usefixtures("_failing")
def test_instrumentation_that_cannot_be_switched_off_does_not_affect_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert libraries.instrument(["httpx", "stuck"]) == ()
    libraries.uninstrument()

    assert not HTTPXClientInstrumentor().is_instrumented_by_opentelemetry
    assert "Instrumentation 'stuck' cannot be switched off" in caplog.text
