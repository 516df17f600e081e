"""Batches that are sent whole, in parts, or not at all."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from flext_observability.exporters.otlp.batch_exporter import LOADED_MODULES, BatchExporter
from flext_observability.extensions.ports import EncodedRequest, ExportOutcome
from flext_observability.wire.otlp.encoder import RequestEncoder
from flext_observability.wire.otlp.split import divide

ACCEPTED = ExportOutcome()


def _fail(item: object) -> str:
    raise ValueError(f"cannot encode {item}")


class Receiver:
    """Accepts requests up to a size; the given answers come first."""

    def __init__(self, limit: int = 1000) -> None:
        self.limit = limit
        self.sizes: list[int] = []
        self.bodies: list[bytes] = []
        self.answers: list[ExportOutcome] = []

    def __call__(self, body: bytes, items: int, seconds: float) -> ExportOutcome:
        assert seconds > 0
        self.sizes.append(len(body))
        self.bodies.append(body)
        if len(body) > self.limit:
            return ExportOutcome(reason="too_large", message="too large")
        answer = self.answers.pop(0) if self.answers else ACCEPTED
        return replace(answer, accepted=items) if answer == ACCEPTED else answer


class Sender(BatchExporter):
    """Joins strings. Other items cannot be encoded."""

    def __init__(self, receiver: Receiver, max_request_bytes: int | None = None) -> None:
        super().__init__("traces", max_request_bytes=max_request_bytes)
        self._receiver = receiver

    def _encode(self, batch: Sequence[object]) -> bytes:
        return "".join(item if isinstance(item, str) else _fail(item) for item in batch).encode()

    def _encode_stored(self, batch: Sequence[object]) -> bytes:
        return self._encode(batch)

    def _send(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        return self._receiver(body, items, timeout_seconds)


def test_whole_batch() -> None:
    receiver = Receiver()
    assert Sender(receiver).export(["a"] * 8, 1) == ExportOutcome(accepted=8)
    assert receiver.sizes == [8]


def test_batch_that_is_too_large_is_split_in_halves() -> None:
    receiver = Receiver(2)
    assert Sender(receiver).export(["a"] * 8, 1) == ExportOutcome(accepted=8)
    assert receiver.sizes == [8, 4, 2, 2, 2, 2]


def test_rejected_size_is_not_sent_again() -> None:
    receiver = Receiver(2)
    sending = Sender(receiver)
    sending.export(["a"] * 4, 1)
    receiver.sizes.clear()
    assert sending.export(["a"] * 4, 1).accepted == 4
    assert receiver.sizes == [2, 2]


def test_an_item_that_is_rejected_in_any_size_does_not_split_later_batches() -> None:
    receiver = Receiver()
    sending = Sender(receiver)
    sending.export(["a"] * 4, 1)
    receiver.limit = 0  # as for an attribute that is too long
    assert sending.export(["a"] * 2, 1).rejected == 2
    receiver.limit = 1000
    receiver.sizes.clear()
    assert sending.export(["a"] * 4, 1).accepted == 4
    assert receiver.sizes == [4]


def test_a_size_that_receivers_usually_reject_is_not_sent() -> None:
    receiver = Receiver()
    assert Sender(receiver, max_request_bytes=4).export(["a"] * 8, 1) == ExportOutcome(accepted=8)
    assert Sender(receiver, max_request_bytes=4).export(["a" * 5], 1) == ExportOutcome(accepted=1)
    assert receiver.sizes == [4, 4, 5]


def test_item_that_is_too_large_is_rejected_alone() -> None:
    found = Sender(Receiver(3)).export(["a", "bbbb", "c", "d"], 1)
    assert (found.accepted, found.rejected, found.retry, found.reason) == (3, 1, False, "too_large")


def test_item_that_cannot_be_encoded_is_rejected_alone() -> None:
    found = Sender(Receiver()).export(["a", 7, "c", "d"], 1)
    assert (found.accepted, found.rejected, found.retry, found.reason) == (3, 1, False, "encoding")
    assert "cannot encode 7" in found.message
    assert found.fix


def test_last_rejection_is_reported() -> None:
    found = Sender(Receiver(3)).export([7, "bbbb"], 1)
    assert (found.rejected, found.reason) == (2, "too_large")


def test_retryable_part_ends_the_call() -> None:
    receiver = Receiver(2)
    busy = ExportOutcome(retry=True, reason="unavailable", retry_after_seconds=3)
    receiver.answers = [ACCEPTED, busy]
    found = Sender(receiver).export(["a"] * 8, 1)
    assert (found.accepted, found.rejected, found.retry, found.retry_after_seconds) == (2, 0, True, 3)
    assert receiver.sizes == [8, 4, 2, 2]


def test_first_part_that_fails_ends_the_call() -> None:
    receiver = Receiver(2)
    receiver.answers = [ExportOutcome(reason="unauthorized")]
    found = Sender(receiver).export(["a"] * 4, 1)
    assert (found.accepted, found.retry, found.reason) == (0, False, "unauthorized")
    assert receiver.sizes == [4, 2]


def test_deadline_between_parts() -> None:
    found = Sender(Receiver()).export(["a", "b"], 0)
    assert (found.accepted, found.retry, found.reason) == (0, True, "timeout")


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many open files"), ImportError("_pb2"), MemoryError()])
def test_a_batch_waits_while_it_cannot_be_encoded_for_lack_of_files_or_memory(error: BaseException) -> None:
    class Starved(Sender):
        def _encode(self, batch: Sequence[object]) -> bytes:
            raise error

    outcome = Starved(Receiver()).export(["a"] * 8, 1)
    assert (outcome.retry, outcome.reason, outcome.rejected) == (True, "unavailable", 0)
    assert outcome.message.startswith("the traces cannot be encoded now: ")


def test_modules_are_loaded_with_an_empty_batch() -> None:
    Sender(Receiver()).load_modules()
    assert set(LOADED_MODULES) <= set(sys.modules)


def test_a_batch_is_encoded_in_requests_that_the_receiver_accepts() -> None:
    sending = Sender(Receiver(), max_request_bytes=4)
    assert sending.encode_request(["a", "bb", 7, "c" * 9, "d"]) == [
        EncodedRequest(b"abb", 2),
        EncodedRequest(b"", 1, "encoding"),
        EncodedRequest(b"c" * 9, 1),
        EncodedRequest(b"d", 1),
    ]


def test_a_batch_is_encoded_in_the_sizes_that_the_receiver_has_accepted() -> None:
    sending = Sender(Receiver(3))
    sending.export(["a"] * 4, 1)
    assert [request.items for request in sending.encode_request(["a"] * 8)] == [2] * 4


def test_what_cannot_be_encoded_now_is_not_rejected() -> None:
    class Starved(Sender):
        def _encode_stored(self, batch: Sequence[object]) -> bytes:
            raise MemoryError

    with pytest.raises(MemoryError):
        Starved(Receiver()).encode_request(["a"] * 8)


def stored(*names: str) -> bytes:
    return RequestEncoder("traces").encode([span for name in names for span in spans_named(name)])


def spans_named(name: str) -> list[ReadableSpan]:
    context = SpanContext(1, 2, is_remote=False)
    return [ReadableSpan(name, context, resource=Resource({}), start_time=1, end_time=2)]


def test_a_stored_request_is_sent_as_it_is() -> None:
    receiver = Receiver()
    body = stored("a", "b")
    assert Sender(receiver).send_request(body, 2, 1) == ExportOutcome(accepted=2)
    assert receiver.bodies == [body]


def test_a_stored_request_that_is_too_large_is_sent_in_parts() -> None:
    receiver = Receiver(len(stored("a", "b")))
    assert Sender(receiver).send_request(stored("a", "b", "c", "d"), 4, 1) == ExportOutcome(accepted=4)
    assert receiver.bodies[1:] == [stored("a", "b"), stored("c", "d")]


def test_a_stored_item_that_is_too_large_is_rejected_alone_and_returned() -> None:
    large = "b" * 90
    found = Sender(Receiver(100)).send_request(stored("a", large, "c"), 3, 1)
    assert (found.accepted, found.rejected, found.retry, found.reason) == (2, 1, False, "too_large")
    assert f"(span {'b' * 50}" in found.message
    assert found.rejected_requests == (EncodedRequest(stored(large), 1, "too_large"),)


def test_the_rest_of_a_stored_request_is_known_after_a_part_fails() -> None:
    receiver = Receiver(len(stored("a", "b")))
    receiver.answers = [ACCEPTED, ExportOutcome(retry=True, reason="unavailable")]
    body = stored("a", "b", "c", "d")
    found = Sender(receiver).send_request(body, 4, 1)
    assert (found.accepted, found.rejected, found.retry) == (2, 0, True)
    assert divide("traces", body, found.accepted)[1] == stored("c", "d")


def test_a_stored_body_that_is_no_request_is_rejected_whole() -> None:
    found = Sender(Receiver(3)).send_request(b"\xff\xff\xff\xff", 4, 1)
    assert (found.accepted, found.rejected, found.retry, found.reason) == (0, 4, False, "too_large")
    assert found.message == "too large; ValueError: the OTLP request is truncated (unreadable traces)"


@pytest.mark.parametrize(
    ("error", "retry", "reason"), [(MemoryError(), True, "unavailable"), (ZeroDivisionError("x"), False, "error")]
)
def test_sending_a_stored_request_never_raises(error: BaseException, retry: bool, reason: str) -> None:
    class Failing(Sender):
        def _send(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
            raise error

    found = Failing(Receiver()).send_request(stored("a"), 1, 1)
    assert (found.accepted, found.rejected, found.retry, found.reason) == (0, 0, retry, reason)
    assert "sending stored traces raised " in found.message


def test_an_item_that_is_too_large_is_returned_as_a_request() -> None:
    found = Sender(Receiver(3)).export(["a", "bbbb"], 1)
    assert found.rejected_requests == (EncodedRequest(b"bbbb", 1, "too_large"),)
    assert Sender(Receiver(3)).export([7, "a"], 1).rejected_requests == ()
