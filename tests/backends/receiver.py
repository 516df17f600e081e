"""Common interface to the collectors of both OTLP protocols."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import grpc  # type: ignore[import-untyped] # the library carries no types

from tests.backends.collector import Answer, Collector, collector
from tests.backends.grpc_collector import GrpcCollector, grpc_collector


class Receiver(Protocol):
    """Collector of one protocol."""

    @property
    def url(self) -> str: ...

    def fail(self) -> None:
        """Reject requests from now on."""
        ...

    def recover(self) -> None:
        """Accept requests again."""
        ...

    def accept_partially(self, body: bytes) -> None:
        """Accept requests with this reply."""
        ...

    def request_count(self) -> int:
        """Return the number of requests, accepted or rejected."""
        ...

    def accepted_requests(self) -> list[Any]:
        """Return the accepted requests."""
        ...


class HttpReceiver:
    def __init__(self, running: Collector) -> None:
        self._running = running
        self.url = running.url

    def fail(self) -> None:
        self._running.standing = Answer(503)

    def recover(self) -> None:
        self._running.standing = Answer()

    def accept_partially(self, body: bytes) -> None:
        self._running.standing = Answer(body=body)

    def request_count(self) -> int:
        return len(self._running.requests)

    def accepted_requests(self) -> list[Any]:
        return [each.message for each in list(self._running.requests) if each.answered == 200]


class GrpcReceiver:
    def __init__(self, running: GrpcCollector) -> None:
        self._running = running
        self.url = running.url

    def fail(self) -> None:
        self._running.standing = (grpc.StatusCode.UNAVAILABLE, "busy", ())

    def recover(self) -> None:
        self._running.standing = None

    def accept_partially(self, body: bytes) -> None:
        self._running.reply = body

    def request_count(self) -> int:
        return len(self._running.metadata)

    def accepted_requests(self) -> list[Any]:
        return list(self._running.requests)


@contextmanager
def receiver(protocol: str, port: int = 0) -> Iterator[Receiver]:
    """Run a collector of the protocol, ``grpc`` or ``http/protobuf``."""
    if protocol == "grpc":
        with grpc_collector(port=port) as running:
            yield GrpcReceiver(running)
    else:
        with collector(port=port) as received:
            yield HttpReceiver(received)


def spans(requests: list[Any]) -> list[str]:
    """Return the names of all spans in order of arrival."""
    return [
        span.name
        for request in requests
        for resource in getattr(request, "resource_spans", ())
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def records(requests: list[Any]) -> list[str]:
    """Return the bodies of all log records in order of arrival."""
    return [
        record.body.string_value
        for request in requests
        for resource in getattr(request, "resource_logs", ())
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def points(requests: list[Any]) -> list[int]:
    """Return the values of all counter points in order of arrival."""
    return [
        point.as_int
        for request in requests
        for resource in getattr(request, "resource_metrics", ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.sum.data_points
    ]
