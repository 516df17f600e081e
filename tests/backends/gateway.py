"""Pushgateway on loopback that keeps the page of each group and sends scripted replies."""

from __future__ import annotations

import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer

from tests.backends.collector import Answer
from tests.backends.serving import QuietHandler, serving


@dataclass(frozen=True)
class Request:
    """One request: method, path, headers with lower-case names, body."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


@dataclass
class Gateway:
    """A running gateway.

    Attributes:
        port: TCP port on 127.0.0.1.
        scheme: ``http`` or ``https``.
        answers: Replies to the next requests, in order. ``standing`` is used when it is empty.
        standing: Reply when ``answers`` is empty.
        requests: Received requests, in order.
        groups: Page of each group by path, as long as it is not deleted.
    """

    port: int
    scheme: str = "http"
    answers: deque[Answer] = field(default_factory=deque[Answer])
    standing: Answer = field(default_factory=Answer)
    requests: list[Request] = field(default_factory=list[Request])
    groups: dict[str, str] = field(default_factory=dict[str, str])
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        """Base URL."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def lines(self, path: str) -> list[str]:
        """Return the samples of a group without ``target_info``."""
        page = self.groups[path].splitlines()
        return [line for line in page if not line.startswith(("#", "target_info"))]

    def handle_request(self, request: Request) -> Answer:
        """Record a request and return its reply."""
        with self.changed:
            answer = self.answers.popleft() if self.answers else self.standing
            self.requests.append(request)
            if answer.status == 200 and request.method == "PUT":
                self.groups[request.path] = request.body
            if answer.status == 200 and request.method == "DELETE":
                self.groups.pop(request.path, None)
            self.changed.notify_all()
        return answer

    def wait_for(self, condition: Callable[[Gateway], object], timeout_seconds: float = 5.0) -> None:
        """Wait until the condition holds, or fail the test after the timeout."""
        deadline = time.monotonic() + timeout_seconds
        with self.changed:
            while not condition(self):
                left = deadline - time.monotonic()
                assert left > 0, f"condition not met within {timeout_seconds} s; got {self.requests}"
                self.changed.wait(left)


@contextmanager
def gateway(*, context: ssl.SSLContext | None = None) -> Generator[Gateway]:
    """Run a gateway, optionally with TLS."""

    class Handler(QuietHandler):
        def do_PUT(self) -> None:  # noqa: N802 - the name is http.server's
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = state.handle_request(Request(self.command, self.path, headers, body))
            self.reply(answer.status, answer.headers, answer.body)

        do_DELETE = do_PUT  # noqa: N815 - the name is http.server's

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Gateway(server.server_address[1], "https" if context else "http")
    with serving(server, context):
        yield state
