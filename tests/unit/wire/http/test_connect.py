"""Connections to addresses that accept, refuse, are unknown or unreachable."""

from __future__ import annotations

import socket
import threading

import pytest

from flext_observability.wire.http.connect import connect
from flext_observability.wire.http.errors import TransportError, deadline_in
from tests.backends.ports import refusing_port
from tests.backends.raw import raw_server, silent
from tests.programs import run


def test_address_that_listens() -> None:
    with raw_server(silent) as server, connect("127.0.0.1", server.port, deadline_in(2)) as sock:
        assert sock.getpeername()[1] == server.port


def test_name_whose_first_address_refuses() -> None:
    # localhost is ::1 and 127.0.0.1 on most machines; the server has only the second.
    with raw_server(silent) as server, connect("localhost", server.port, deadline_in(2)) as sock:
        assert sock.getpeername()[1] == server.port


def test_port_that_refuses() -> None:
    with refusing_port() as port, pytest.raises(TransportError, match=f"nothing listens on 127.0.0.1:{port}") as caught:
        connect("127.0.0.1", port, deadline_in(2))
    assert caught.value.kind == "refused"


def test_unknown_name() -> None:
    with pytest.raises(TransportError, match=r"collector\.invalid.*cannot be resolved") as caught:
        connect("collector.invalid", 4318, deadline_in(2))
    assert caught.value.kind == "unknown_host"


def test_invalid_name() -> None:
    with pytest.raises(TransportError, match="cannot be resolved") as caught:
        connect("a" * 70, 4318, deadline_in(2))
    assert caught.value.kind == "unknown_host"


@pytest.mark.parametrize("name", ["collector.example", "collector-0", "10.example.x2"])
def test_resolver_without_an_answer_in_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def slow(*_: object, **__: object) -> list[object]:
        released.wait(5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with pytest.raises(TransportError, match="no answer within the time limit") as caught:
        connect(name, 4318, deadline_in(0.05))
    released.set()
    assert caught.value.kind == "unknown_host"


def test_name_is_resolved_when_no_thread_can_be_started() -> None:
    usual = threading.stack_size(1 << 46)  # more than any machine gives
    try:
        with pytest.raises(TransportError, match="cannot be resolved"):
            connect("collector.invalid", 4318, deadline_in(2))
    finally:
        threading.stack_size(usual)


def test_address_without_a_route() -> None:
    with pytest.raises(TransportError, match=r"cannot be reached") as caught:
        connect("255.255.255.255", 4318, deadline_in(2))
    assert caught.value.kind == "unreachable"


def test_full_listener_costs_the_timeout() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = ("127.0.0.1", listener.getsockname()[1])
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(address)
        with pytest.raises(TransportError, match="did not accept a connection") as caught:
            connect("127.0.0.1", address[1], deadline_in(0.1))
        for sock in waiting:
            sock.close()
    assert caught.value.kind == "timeout"


def test_without_file_descriptors_the_machine_is_short_not_the_host() -> None:
    done = run("""
        import os, resource, time
        from flext_observability.wire.http.connect import connect
        from flext_observability.wire.http.errors import TransportError

        "name".encode("idna")  # loads its codec
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        held = []
        try:
            while True:
                held.append(os.dup(0))
        except OSError:
            pass
        for host in ("127.0.0.1", "localhost.example"):
            try:
                connect(host, 9, time.monotonic() + 5)
            except TransportError as error:
                print(error.kind, error.reached, error.message)
        for descriptor in held:
            os.close(descriptor)
    """)
    assert done.lines == [
        "shortage False no socket can be opened to 127.0.0.1:9 (Too many open files)",
        "shortage False no socket can be opened to 'localhost.example' (Too many open files)",
    ], done.err
