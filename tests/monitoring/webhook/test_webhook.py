"""The receiver of notifications, as a process with real requests."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitoring.native.places import REPOSITORY
from monitoring.webhook.app import MAX_BODY_BYTES
from tests.waiting import eventually

TOKEN = "correct-horse"


def notification(status: str = "firing", **labels: str) -> dict[str, Any]:
    """Return a notification in the format of Alertmanager's webhook."""
    alert = {"status": status, "labels": {"alertname": "Slow", **labels}, "annotations": {"summary": "is <slow>"}}
    return {"version": "4", "status": status, "receiver": "critical", "alerts": [alert]}


@contextmanager
def running(*arguments: str) -> Iterator[httpx.Client]:
    """Run the receiver on a free port, and end it with SIGTERM."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "monitoring.webhook", f"--listen={address}", *arguments]
    with (
        subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as process,
        httpx.Client(base_url=f"http://{address}", timeout=15.0, trust_env=False) as http,
    ):
        try:
            eventually(lambda: healthy(http))
            yield http
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


def healthy(http: httpx.Client) -> bool:
    try:
        return http.get("/health").text == "ok\n"
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    token = tmp_path_factory.mktemp("secrets") / "token"
    token.write_text(TOKEN, encoding="ascii")
    with running(f"--token-file={token}", "--keep=50") as http:
        yield http


def send(http: httpx.Client, payload: object, token: str = TOKEN) -> httpx.Response:
    return http.post("/notifications", json=payload, headers={"Authorization": f"Bearer {token}"})


def test_a_stored_notification_is_returned_with_number_and_time(sink: httpx.Client) -> None:
    before = time.time()
    number = send(sink, notification(job="stored")).raise_for_status().json()["number"]
    (found,) = sink.get("/notifications", params={"label.job": "stored"}).json()
    assert found["number"] == number
    assert before <= found["received_at"] <= time.time()
    assert {name: found[name] for name in notification(job="stored")} == notification(job="stored")


def test_filters_select_by_number_status_and_labels(sink: httpx.Client) -> None:
    first = send(sink, notification(job="filtered")).json()["number"]
    second = send(sink, notification("resolved", job="filtered", zone="a")).json()["number"]

    def numbers(**parameters: str | int) -> list[int]:
        answer = sink.get("/notifications", params={"label.job": "filtered", **parameters}).raise_for_status()
        return [one["number"] for one in answer.json()]

    assert numbers() == [first, second]
    assert numbers(after=first) == [second]
    assert numbers(status="firing") == [first]
    assert numbers(**{"label.zone": "a"}) == [second]
    assert numbers(**{"label.zone": "b"}) == []


def test_a_reader_waits_for_the_next_notification(sink: httpx.Client) -> None:
    began = time.monotonic()
    sender = threading.Timer(0.4, send, (sink, notification(job="awaited")))
    sender.start()
    found = sink.get("/notifications", params={"label.job": "awaited", "wait": 10}).json()
    sender.join()
    assert len(found) == 1
    assert 0.3 < time.monotonic() - began < 8


def test_waiting_readers_leave_threads_for_writers(sink: httpx.Client) -> None:
    parameters = {"label.job": "never", "wait": "2"}
    statuses: list[int] = []

    def read() -> None:
        statuses.append(httpx.get(sink.base_url.join("/notifications"), params=parameters, timeout=15).status_code)

    readers = [threading.Thread(target=read) for _ in range(10)]
    for reader in readers:
        reader.start()
    time.sleep(0.3)
    assert send(sink, notification(job="during")).status_code == 200
    for reader in readers:
        reader.join()
    assert sorted(set(statuses)) == [200, 503]
    assert statuses.count(200) == 4


@pytest.mark.parametrize("token", ["x", TOKEN[:-1], TOKEN + "x", "é"])
def test_a_writer_without_the_token_is_refused(sink: httpx.Client, token: str) -> None:
    headers = {b"Authorization": f"Bearer {token}".encode("latin-1")}
    answer = sink.post("/notifications", json=notification(job="refused"), headers=headers)
    assert answer.status_code == 401
    assert "credentials_file" in answer.json()["error"]
    assert sink.get("/notifications", params={"label.job": "refused"}).json() == []


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"\xff", 400, "not JSON"),
        (b"[" * 200_000, 400, "not JSON"),
        (b"[]", 400, "no list `alerts`"),
        (b'{"alerts": 1}', 400, "no list `alerts`"),
        (b'{"alerts": "' + b"x" * MAX_BODY_BYTES + b'"}', 413, ""),
    ],
    ids=["empty", "cut", "bytes", "deep", "list", "number", "large"],
)
def test_an_unusable_body_is_refused_with_its_reason(sink: httpx.Client, body: bytes, status: int, reason: str) -> None:
    answer = sink.post("/notifications", content=body, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == status
    assert reason in answer.text


def test_alerts_of_unusual_types_are_kept(sink: httpx.Client) -> None:
    payload = {"status": 1, "alerts": [1, None, {"labels": []}, {"labels": {"job": 5}, "annotations": 2}]}
    assert send(sink, payload).status_code == 200
    assert sink.get("/notifications", params={"label.job": "5"}).json()[-1]["alerts"] == payload["alerts"]
    assert sink.get("/").status_code == 200


@pytest.mark.parametrize("query", ["after=x", "wait=x", "wait=nan&after=", "unknown=1"])
def test_an_unusable_query_is_refused(sink: httpx.Client, query: str) -> None:
    assert sink.get(f"/notifications?{query}").status_code == 400


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/x", 404), ("PUT", "/", 405), ("POST", "/", 405)])
def test_other_addresses_and_methods_are_refused(sink: httpx.Client, method: str, path: str, status: int) -> None:
    assert sink.request(method, path).status_code == status


def test_the_page_escapes_values_and_links_only_web_addresses(sink: httpx.Client) -> None:
    payload = notification(job="<script>")
    payload["alerts"][0]["annotations"]["runbook_url"] = "javascript:alert(1)"
    send(sink, payload)
    send(sink, notification(job="linked") | {"receiver": "<b>"})
    payload["alerts"][0]["annotations"]["runbook_url"] = 'https://example.org/"x'
    send(sink, payload)
    page = sink.get("/")
    assert "job=&lt;script&gt;" in page.text
    assert "is &lt;slow&gt;" in page.text
    assert "<script" not in page.text
    assert "javascript:" not in page.text
    assert 'href="https://example.org/&quot;x"' in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


def test_only_the_last_notifications_are_kept() -> None:
    with running("--keep=3") as http:
        for number in range(5):
            http.post("/notifications", json=notification(job=str(number))).raise_for_status()
        assert [one["number"] for one in http.get("/notifications").json()] == [3, 4, 5]


def test_an_empty_page_names_the_sender() -> None:
    with running() as http:
        assert "No notification has arrived" in http.get("/").text


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff"])
def test_an_unusable_token_file_names_the_command_that_makes_it(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    command = [sys.executable, "-m", "monitoring.webhook", f"--token-file={file}"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr == (f"{file}: the token cannot be read or is empty. Run `make observability-init`.\n")


def test_a_used_port_is_named() -> None:
    with ExitStack() as stack:
        used = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        address = f"127.0.0.1:{used.getsockname()[1]}"
        command = [sys.executable, "-m", "monitoring.webhook", f"--listen={address}"]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{address}: Address already in use.")


@pytest.mark.parametrize("option", ["--listen=x", "--listen=:1", "--listen=h:99999", "--keep=0", "--keep=x"])
def test_an_unusable_option_is_refused(option: str) -> None:
    command = [sys.executable, "-m", "monitoring.webhook", option]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "error: argument" in done.stderr
