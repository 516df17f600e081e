"""Collectors that refuse, are silent, drip, reset, answer garbage or are busy: nothing is lost, and programs end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.backends.collector import Answer, collector
from tests.backends.ports import refusing_port
from tests.backends.raw import answers, drips, raw_server, reads_and_closes, resets, silent
from tests.faults.running import LEAVING_SECONDS, Faults, missing, received, show, twice


@contextmanager
def refusing() -> Iterator[str]:
    with refusing_port() as port:
        yield f"http://127.0.0.1:{port}"


def raw(behaviour: object) -> Callable[[], object]:
    @contextmanager
    def start() -> Iterator[str]:
        with raw_server(behaviour) as server:  # type: ignore[arg-type]  # one of the behaviours of the module
            yield server.url

    return start


BAD = {
    "refuses": refusing,
    "silent": raw(silent),
    "drips": raw(drips(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"x", 0.2)),
    "resets": raw(resets),
    "closes": raw(reads_and_closes),
    "garbage": raw(answers(b"\x00\xff garbage \r\n\r\n")),
    "half an answer": raw(answers(b"HTTP/1.1 20")),
}


@pytest.mark.parametrize("name", BAD)
def test_what_a_bad_collector_does_not_accept_arrives_later(name: str, faults: Faults) -> None:
    with BAD[name]() as url:  # type: ignore[attr-defined]  # a context manager
        ledger = faults.run(url, seconds=1.5)
    assert ledger["leaving"] <= LEAVING_SECONDS
    with collector() as good:
        faults.drain(good)
        arrived = received(good)
    for signal, numbers in arrived.items():
        show(name, faults, numbers, signal)
        assert missing(numbers, faults.sent) == []
        assert twice(numbers) == 0
        assert faults.total("dropped", signal) == 0


BUSY = {
    "429 with Retry-After": [Answer(429, {"retry-after": "1"})] * 4,
    "503 storm": [Answer(503), Answer()] * 30,
    "502 for a while": [Answer(502)] * 12,
}


@pytest.mark.parametrize("name", BUSY)
def test_what_a_busy_collector_sends_away_arrives_later(name: str, faults: Faults) -> None:
    with collector() as busy:
        busy.answers = deque(BUSY[name])
        ledger = faults.run(busy.url, seconds=2)
        assert ledger["leaving"] <= LEAVING_SECONDS
        busy.answers.clear()
        faults.drain(busy)
        arrived = received(busy)
    for signal, numbers in arrived.items():
        show(name, faults, numbers, signal)
        assert missing(numbers, faults.sent) == []
        assert twice(numbers) == 0


def test_what_is_refused_for_good_is_kept_with_the_reason(faults: Faults) -> None:
    with collector() as strict:
        strict.standing = Answer(400, {"content-type": "text/plain"}, b"no such tenant")
        faults.run(strict.url, seconds=1)
        strict.standing = Answer()
        faults.drain(strict)
        assert received(strict) == {"traces": {}, "logs": {}}
    kept = b"".join(file.read_bytes() for file in faults.folder.rglob("dead-letters/*.spool"))
    assert b"no such tenant" in kept
    for signal in ("traces", "logs"):
        assert faults.total("dropped", signal) == faults.sent
