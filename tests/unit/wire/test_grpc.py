"""Unary calls over real channels: reuse, loss, limits, TLS."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import grpc  # type: ignore[import-untyped] # the library has no types
import pytest

from flext_observability.values.endpoint import parse_endpoint
from flext_observability.wire.grpc import GrpcError, GrpcTransport
from flext_observability.wire.http.errors import TransportError
from flext_observability.wire.http.target import http_target
from flext_observability.wire.http.tls import TlsFileError, TlsFiles
from tests import programs
from tests.backends.certificates import Certificates, make_certificates
from tests.backends.collector import collector
from tests.backends.grpc_collector import grpc_collector
from tests.backends.ports import refusing_port
from tests.backends.proxy import recording_proxy
from tests.backends.raw import raw_server, resets, silent

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def transport(url: str, *, tls: TlsFiles | None = None, compress: bool = False) -> GrpcTransport:
    headers = {"user-agent": "tests", "x-test": "yes", "x-raw-bin": "raw"}
    return GrpcTransport(http_target(parse_endpoint(url), headers=headers, tls=tls), compress=compress)


def call_error(url: str, seconds: float = 2.0, tls: TlsFiles | None = None) -> TransportError:
    sender = transport(url, tls=tls)
    with pytest.raises(TransportError) as caught:
        sender.call(METHOD, b"", timeout_seconds=seconds)
    sender.close()
    return caught.value


@pytest.mark.parametrize("compress", [True, False])
def test_reply_and_metadata(*, compress: bool) -> None:
    with grpc_collector() as server:
        server.reply = b"reply"
        sender = transport(server.url, compress=compress)
        assert sender.call(METHOD, b"", timeout_seconds=2) == b"reply"
        assert sender.call(METHOD, b"", timeout_seconds=2) == b"reply"
        sender.close()
        sender.close()
    metadata = server.metadata[0]
    assert (metadata["x-test"], metadata["x-raw-bin"]) == ("yes", b"raw")
    assert metadata["user-agent"].startswith("tests ")


def test_status_of_the_server() -> None:
    with grpc_collector() as server:
        server.rejections.append((grpc.StatusCode.ABORTED, "later", (("grpc-status-details-bin", b"status"),)))
        server.rejections.append((grpc.StatusCode.UNAVAILABLE, "busy", ()))
        sender = transport(server.url)
        for code, details, status in (("ABORTED", "later", b"status"), ("UNAVAILABLE", "busy", b"")):
            with pytest.raises(GrpcError) as caught:
                sender.call(METHOD, b"", timeout_seconds=2)
            assert (caught.value.code, caught.value.details, caught.value.status) == (code, details, status)
        # After UNAVAILABLE, the channel is replaced.
        assert sender.call(METHOD, b"", timeout_seconds=2) == b""
        sender.close()


def test_tls_with_client_certificate(certificates: Certificates) -> None:
    files = TlsFiles(str(certificates.authority), str(certificates.client), str(certificates.client_key))
    with grpc_collector(certificates, ask_client=True) as server:
        sender = transport(server.url, tls=files)
        assert sender.call(METHOD, b"", timeout_seconds=2) == b""
        sender.close()


def test_untrusted_certificate(certificates: Certificates) -> None:
    with grpc_collector(certificates) as server:
        assert call_error(server.url).kind == "tls"


def test_refusing_port_and_unknown_name_do_not_import_grpc() -> None:
    done = programs.run(
        """
        import sys
        from flext_observability.values.endpoint import parse_endpoint
        from flext_observability.wire.http.target import http_target
        from flext_observability.wire.http.errors import TransportError
        from flext_observability.wire.grpc import GrpcTransport
        from tests.backends.ports import refusing_port
        with refusing_port() as port:
            for url in (f"http://127.0.0.1:{port}", "http://collector.invalid:4317"):
                try:
                    GrpcTransport(http_target(parse_endpoint(url)), compress=False).call("/x", b"", timeout_seconds=2)
                except TransportError as error:
                    print(error.kind, "grpc" in sys.modules)
        """
    )
    assert done.lines == ["refused False", "unknown_host False"], done.err


def test_refused_connection_is_reported_at_once() -> None:
    began = time.monotonic()
    with refusing_port() as port:
        assert call_error(f"http://127.0.0.1:{port}", 5).kind == "refused"
    assert time.monotonic() - began < 1


def test_silent_server_costs_the_timeout() -> None:
    with raw_server(silent) as server:
        began = time.monotonic()
        assert call_error(server.url, 0.3).kind == "timeout"
        assert time.monotonic() - began < 2


def test_http_server_is_recognised() -> None:
    with collector() as server:
        assert call_error(server.url).kind == "http1"


def test_server_that_resets() -> None:
    with raw_server(resets) as server:
        assert call_error(server.url).kind == "broken"


def test_proxy_that_refuses_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing_port() as port:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        error = call_error("http://collector.invalid:4317")
    assert error.kind == "refused"


def test_tls_through_a_proxy_verifies_the_name_of_the_server(
    monkeypatch: pytest.MonkeyPatch, certificates: Certificates
) -> None:
    with grpc_collector(certificates) as server, recording_proxy(server.port) as (proxy, heads):
        monkeypatch.setenv("https_proxy", proxy)
        monkeypatch.setenv("no_proxy", "alhost")  # gRPC itself compares the end of names, without a dot
        tls = TlsFiles(str(certificates.authority))
        sender = transport("https://localhost:4317", tls=tls)
        assert sender.call(METHOD, b"", timeout_seconds=3) == b""
        sender.close()
        monkeypatch.setenv("https_proxy", proxy.replace("//", "//me:pass@"))
        assert call_error("https://other.example:4317", tls=tls).kind in {"tls", "broken"}
    assert heads[0].startswith(b"CONNECT localhost:4317 ")
    assert (b"Authorization" in heads[0], b"Authorization: Basic bWU6cGFzcw==" in heads[-1]) == (False, True)


@pytest.mark.parametrize("calls", [True, False])
def test_forked_child_does_not_use_the_channel_of_the_parent(*, calls: bool) -> None:
    with grpc_collector() as server:
        done = programs.run(
            f"""
            import os
            from flext_observability.values.endpoint import parse_endpoint
            from flext_observability.wire.http.target import http_target
            from flext_observability.wire.grpc import GrpcTransport
            sender = GrpcTransport(http_target(parse_endpoint("{server.url}")), compress=False)
            sender.call("{METHOD}", b"", timeout_seconds=2)
            child = os.fork()
            if not child:
                if {calls}:
                    sender.call("{METHOD}", b"", timeout_seconds=5)
                sender.close()
                os._exit(0)
            print(os.waitpid(child, 0)[1])
            sender.call("{METHOD}", b"", timeout_seconds=2)
            """
        )
        assert done.lines == ["0"], done.err
        assert len(server.requests) == 2 + calls


def test_certificate_file_that_vanished(tmp_path: Path) -> None:
    with raw_server(silent) as server, pytest.raises(TlsFileError, match="gone"):
        transport(server.url.replace("http:", "https:"), tls=TlsFiles(str(tmp_path / "gone"))).call(
            METHOD, b"", timeout_seconds=1
        )


def test_without_threads_the_call_fails_before_the_library_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with grpc_collector() as server:
        transport = GrpcTransport(http_target(parse_endpoint(server.url)), compress=False)
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            transport.prepare()
            with pytest.raises(TransportError) as caught:
                transport.call("/x/Y", b"", timeout_seconds=2)
    assert caught.value.kind == "shortage"
    assert caught.value.message == "gRPC needs threads, and none can be started (can't start new thread)"


def test_at_exit_without_threads_of_python_the_call_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:  # as Python 3.12 does
        if thread.name == "flext-grpc-check":
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with grpc_collector() as server:
        server.reply = b"reply"
        sender = transport(server.url)
        assert sender.call(METHOD, b"", timeout_seconds=2) == b"reply"
        sender.close()
