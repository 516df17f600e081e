"""The status names the folder of the spool, and why it cannot be written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry import trace

from flext_observability import Observability, init_observability
from flext_observability.providers.spool import is_spooling, spool_directory
from flext_observability.settings.resolve import resolve
from tests.backends.ports import refusing_port
from tests.waiting import eventually


def start(folder: Path, port: int) -> Observability:
    return init_observability(
        service_name="shop",
        exporters="otlp_http",
        otlp_endpoint=f"http://127.0.0.1:{port}",
        traces_schedule_delay_seconds=0.05,
        spool=True,
        spool_directory=str(folder),
        console=False,
    ).unwrap()


def test_the_status_names_the_folder(tmp_path: Path) -> None:
    with refusing_port() as port:
        handle = start(tmp_path / "spool", port)
        messages = [notice.message for notice in handle.status()["traces"].notices]
        assert [message for message in messages if str(tmp_path / "spool" / "shop-") in message]
        assert handle.status()["traces"].state == "active"


def test_the_status_has_the_reason_why_nothing_can_be_stored(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    with refusing_port() as port:
        handle = start(tmp_path / "spool", port)
        with trace.get_tracer("t").start_as_current_span("order"):
            pass
        wanted = "The spool cannot be written: File exists"
        assert eventually(
            lambda: [notice for notice in handle.status()["traces"].notices if notice.message == wanted and notice.fix]
        )
        assert handle.status()["traces"].state == "degraded"


@pytest.mark.parametrize(
    ("environment", "spool", "wanted"),
    [
        ("", None, False),
        ("Development", None, False),
        ("demo", None, False),
        ("production", None, True),
        ("staging", None, True),
        ("production", False, False),
        ("", True, True),
    ],
)
def test_the_environment_decides_whether_there_is_a_spool(environment: str, spool: bool | None, wanted: bool) -> None:
    arguments = {"environment": environment} if spool is None else {"environment": environment, "spool": spool}
    config = resolve(None, arguments, {}).unwrap().config
    assert is_spooling(config) is wanted
    assert not is_spooling(replace(config, disabled=True))


def test_the_folder_is_in_the_state_folder_of_the_user(tmp_path: Path) -> None:
    config = resolve(None, {}, {}).unwrap().config
    assert spool_directory(config, {"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "flext-observability" / "spool"
    home = Path("~/.local/state/flext-observability/spool").expanduser()
    assert [spool_directory(config, {"XDG_STATE_HOME": wrong}) for wrong in ("", "relative")] == [home, home]
    own = resolve(None, {"spool_directory": str(tmp_path / "own")}, {}).unwrap().config
    assert spool_directory(own) == tmp_path / "own"
