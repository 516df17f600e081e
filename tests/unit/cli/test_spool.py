"""`spool list|replay|drop` as run by a user, on what real processes left."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from flext_observability.cli.main import main
from flext_observability.pipeline.spool.folders import REFUSED_FOLDER, service_folder
from flext_observability.pipeline.spool.record import SpoolRecord
from flext_observability.pipeline.spool.store import Spool
from tests.backends.collector import Answer, collector
from tests.backends.ports import refusing_port
from tests.programs import run as run_program

SHOP = """
import sys
from opentelemetry import trace
from flext_observability import init_observability

handle = init_observability(service_name="shop", exporters="otlp_http", spool=True, console=False).unwrap()
for index in range(3):
    with trace.get_tracer("t").start_as_current_span(f"order {index}"):
        pass
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "spool"
    monkeypatch.setenv("FLEXT_OBSERVABILITY_SPOOL_DIRECTORY", str(folder))
    return folder


def sell(directory: Path, port: int) -> None:
    """Run a program that records three spans, for a collector at a port."""
    done = run_program(
        SHOP,
        FLEXT_OBSERVABILITY_SPOOL_DIRECTORY=str(directory),
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
    )
    assert done.code == 0, done.err


def test_an_empty_spool_is_named(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spool", "list"]) == 0
    assert capsys.readouterr().out == f"nothing is stored in {directory}\n"
    assert main(["spool", "replay", "shop"]) == 0
    assert capsys.readouterr().out == f"ended processes of shop left nothing in {directory}\n"
    assert main(["spool", "drop"]) == 0
    assert capsys.readouterr().out == f"dropped 0 items in {directory}\n"


def test_what_a_process_left_is_listed_and_sent(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing_port() as port:
        sell(directory, port)
    assert main(["spool", "list"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == [
        "service",
        "process",
        "state",
        "signal",
        "exporter",
        "requests",
        "items",
        "KiB",
        "age",
        "reason",
    ]
    assert re.fullmatch(r"shop-\w{8}  \d+-\w{8}  ended  traces  otlp_http  1         3      0\.\d  \d+ s", row)
    with collector() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("FLEXT_OBSERVABILITY_EXPORTERS", "otlp_http")
        assert main(["spool", "replay", "shop"]) == 0
        assert sorted(span.name for span in receiver.spans()) == ["order 0", "order 1", "order 2"]
    assert "sent 3 of 3 items, 0 were refused or damaged, 0 are left" in capsys.readouterr().out
    assert main(["spool", "list"]) == 0
    assert "nothing is stored" in capsys.readouterr().out


def test_what_cannot_be_sent_stays(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing_port() as port:
        sell(directory, port)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("FLEXT_OBSERVABILITY_EXPORTERS", "otlp_http")
        assert main(["spool", "replay", "shop", "--timeout", "0.3"]) == 1
    assert "sent 0 of 3 items, 0 were refused or damaged, 3 are left" in capsys.readouterr().out
    assert main(["spool", "list", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["state"], found["items"]) == ("ended", 3)


def test_refused_requests_are_shown_with_the_reason_and_dropped(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with collector() as receiver:
        receiver.standing = Answer(400, {"content-type": "text/plain"}, b"no such tenant")
        sell(directory, receiver.port)
    assert main(["spool", "list"]) == 0
    out = capsys.readouterr().out
    assert "refused" in out
    assert "no such tenant" in out
    assert main(["spool", "drop"]) == 0
    assert "dropped 0 items" in capsys.readouterr().out
    assert main(["spool", "drop", "--refused"]) == 0
    assert "dropped 3 items" in capsys.readouterr().out
    assert main(["spool", "list"]) == 0
    assert "nothing is stored" in capsys.readouterr().out


def test_a_running_process_keeps_its_requests(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spools = [Spool(service_folder(directory, "shop"), max_bytes=1 << 20, max_age_seconds=3600) for _ in range(2)]
    for number, spool in enumerate(spools):
        spool.write(SpoolRecord("traces", "otlp_http", "", 5 + number, 1 << 62, b"x"))
        spool.write(SpoolRecord("traces", "otlp_http", "", 1, 1, b"older"))
    spools[0].close()
    for segment in directory.glob("*/*-*/*.spool"):
        segment.write_bytes(segment.read_bytes() + b"damaged")
    (directory / "a file").write_text("mine")
    (directory / "shop-12345678" / "not a process").mkdir(parents=True)
    assert main(["spool", "drop", "--directory", str(directory)]) == 0
    assert "dropped 6 items" in capsys.readouterr().out
    assert main(["spool", "list", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["state"], found["requests"], found["items"], found["oldest_ns"]) == ("running", 2, 7, 1)
    assert not list(directory.glob(f"*/{REFUSED_FOLDER}/*"))
    spools[1].close()
