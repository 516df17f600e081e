"""Pushgateway on loopback: keeps a page for each group, answers as the test says."""

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
        answers: Replies for the next requests, first in first out; then ``standing``.
        standing: Reply when ``answers`` is empty.
        requests: Everything received, in order.
        groups: Page by path: what was put and not deleted.
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
        """Base address."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def lines(self, path: str) -> list[str]:
        """Return the samples of a group, without what says who pushed."""
        page = self.groups[path].splitlines()
        return [line for line in page if not line.startswith(("#", "target_info"))]

    def take(self, request: Request) -> Answer:
        """Keep a request and return its reply."""
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
        """Wait until the condition holds; fail the test when it does not in time."""
        deadline = time.monotonic() + timeout_seconds
        with self.changed:
            while not condition(self):
                left = deadline - time.monotonic()
                assert left > 0, f"not within {timeout_seconds} s; got {self.requests}"
                self.changed.wait(left)


@contextmanager
def gateway(*, context: ssl.SSLContext | None = None) -> Generator[Gateway]:
    """Run a gateway; with a TLS context it speaks https."""

    class Handler(QuietHandler):
        def do_PUT(self) -> None:  # noqa: N802 - the name is http.server's
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = state.take(Request(self.command, self.path, headers, body))
            self.reply(answer.status, answer.headers, answer.body)

        do_DELETE = do_PUT  # noqa: N815 - the name is http.server's

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Gateway(server.server_address[1], "https" if context else "http")
    with serving(server, context):
        yield state
