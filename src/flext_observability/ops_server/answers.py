"""Request → complete reply within a time limit: foreign code of the pages runs on threads of their own."""

from __future__ import annotations

import gzip
from typing import Final, NamedTuple, final

from flext_observability.ops_server.pages import RETRY, OpsPages, Reply, Request, SlowPage, error_page
from flext_observability.runtime.keyed_calls import KeyedCall, KeyedCalls
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.wire.http.headers import quality

MAX_CONCURRENT: Final = 16
_MAX_CONCURRENT_OF_PAGE: Final = 4
_GZIP_LEVEL: Final = 3  # less than a quarter of the time of level 9, for some more bytes
_MIN_GZIP_SIZE: Final = 1024  # bytes


class Pending(NamedTuple):
    """A reply that is being generated.

    Attributes:
        request: The request.
        page: Its page.
        call: The call that generates the reply.
    """

    request: Request
    page: SlowPage
    call: KeyedCall[Reply]

    def remaining_seconds(self) -> float:
        """Return how long to wait for the call, 0 or more."""
        return max(self.page.seconds - self.call.age_seconds(), 0.0)

    def reply(self) -> Reply:
        """Return the reply if the call has ended, otherwise one that names the delay. Does not wait. Never raises."""
        try:
            if self.call.future.done():
                return _without_body_of_head(self.call.future.result(), self.request)
            page = self.page.late(self._delay())
        except BaseException as error:  # noqa: BLE001 - becomes status 500; the server continues
            reraise_interrupt(error)
            page = _internal(self.request, error)
        return _without_body_of_head(_complete(page, compress=False), self.request)

    def _delay(self) -> str:
        place = self.call.place()
        return f"no result after {self.call.age_seconds():.1f} s" + (f", in {place}" if place else "")


@final
class Answers:
    """Answers to requests. Pages with foreign code are generated on at most 16 threads, each page on at most 4.

    Concurrent requests of one page share its generation.
    """

    __slots__ = ("_calls", "_pages")

    def __init__(self, pages: OpsPages) -> None:
        self._pages = pages
        self._calls: KeyedCalls[Reply] = KeyedCalls("flext-ops-page", MAX_CONCURRENT, _MAX_CONCURRENT_OF_PAGE)

    def answer(self, request: Request) -> Reply:
        """Return the reply within the time limit of the page. Never raises."""
        begun = self.begin(request)
        if isinstance(begun, Pending):
            begun.call.ended_within(begun.page.seconds)
            return begun.reply()
        return begun

    def begin(self, request: Request) -> Reply | Pending:
        """Return the reply if it is available immediately. Never waits, never raises."""
        compress = _accepts_gzip(request.accept_encoding)
        try:
            page = self._pages.find(request)
            if isinstance(page, SlowPage):
                return self._join(request, page, compress=compress)
        except BaseException as error:  # noqa: BLE001 - becomes status 500; the server continues
            reraise_interrupt(error)
            page = _internal(request, error)
        return _without_body_of_head(_complete(page, compress=compress), request)

    def _join(self, request: Request, page: SlowPage, *, compress: bool) -> Reply | Pending:
        def render() -> Reply:
            try:
                found = page.render()
            except BaseException as error:  # noqa: BLE001 - becomes status 500; the server continues
                reraise_interrupt(error)
                found = _internal(request, error)
            return _complete(found, compress=compress)

        call = self._calls.join((*page.key, compress), render, page.seconds)
        if call is not None:
            return Pending(request, page, call)
        message = f"{request.path} failed: no thread is free for it. Repeat the request later."
        return _without_body_of_head(_complete(error_page(503, message, "busy", RETRY), compress=False), request)


def _internal(request: Request, error: BaseException) -> Reply:
    return error_page(500, f"{request.path} failed: {describe_error(error)}", "internal")


def _complete(page: Reply, *, compress: bool) -> Reply:
    headers = [
        *page.headers,
        ("Cache-Control", "no-store"),
        ("Vary", "Accept, Accept-Encoding"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    body = page.body
    if compress and len(body) >= _MIN_GZIP_SIZE:
        body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        headers.append(("Content-Encoding", "gzip"))
    headers.append(("Content-Length", str(len(body))))
    return Reply(page.status, headers, body)


def _without_body_of_head(reply: Reply, request: Request) -> Reply:
    return reply._replace(body=b"") if request.method == "HEAD" else reply


def _accepts_gzip(accepted: str) -> bool:
    gzip_quality = quality(accepted, "gzip")
    return bool(quality(accepted, "*") if gzip_quality is None else gzip_quality)
