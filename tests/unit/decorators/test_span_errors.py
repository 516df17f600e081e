"""Errors in spans: status, one event, and foreign spans that raise."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode

from flext_observability import traced
from flext_observability.decorators.span_errors import end_span, record_error
from tests.recorded import Recorded


class FrozenError(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class TestErrors:
    def test_an_error_is_recorded_and_propagates(self, recorded: Recorded) -> None:
        with pytest.raises(ValueError, match="broken"), traced("work"):
            raise ValueError("broken")
        span = recorded.span("work")
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError: broken")
        assert [event.name for event in span.events] == ["exception"]

    def test_secrets_in_the_message_are_masked(self, recorded: Recorded) -> None:
        with pytest.raises(ValueError, match="token"), traced("work"):
            raise ValueError("bad token=abc")
        description = recorded.span("work").status.description or ""
        assert description.startswith("ValueError: bad token=[redacted:pair:")

    def test_nested_spans_record_one_event_and_all_have_the_status(self, recorded: Recorded) -> None:
        with pytest.raises(ValueError, match="broken"), traced("outer"), traced("inner"):
            raise ValueError("broken")
        assert len(recorded.span("inner").events) == 1
        assert recorded.span("outer").events == ()
        assert recorded.span("outer").status.status_code is StatusCode.ERROR

    def test_same_exception_in_another_trace_is_recorded_again(self, recorded: Recorded) -> None:
        error = FrozenError("kept")
        for _ in range(2):
            with pytest.raises(FrozenError), traced("work"):
                raise error
        assert [len(span.events) for span in recorded.spans("work")] == [1, 1]

    def test_cancellation_is_not_an_error(self, recorded: Recorded) -> None:
        async def cancelled() -> None:
            async with traced("work"):
                await asyncio.sleep(60)

        async def main() -> None:
            task = asyncio.create_task(cancelled())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        span = recorded.span("work")
        assert span.status.status_code is StatusCode.UNSET
        assert span.attributes == {"flext.outcome": "cancelled"}

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(0), SystemExit(3), BaseException()])
    def test_an_interruption_is_marked_on_every_span_and_is_not_an_error(
        self, recorded: Recorded, error: BaseException
    ) -> None:
        with pytest.raises(type(error)), traced("outer"), traced("inner"):
            raise error
        for name in ("outer", "inner"):
            span = recorded.span(name)
            assert (span.status.status_code, span.events) == (StatusCode.UNSET, ())
            assert span.attributes == {"flext.outcome": "cancelled"}

    def test_an_abandoned_generator_is_not_marked(self, recorded: Recorded) -> None:
        @traced("steps")
        def steps() -> Iterator[int]:
            yield 1
            yield 2

        running = steps()
        next(running)
        del running
        assert recorded.span("steps").attributes == {}

    def test_an_interrupted_generator_is_marked(self, recorded: Recorded) -> None:
        @traced("steps")
        def steps() -> Iterator[int]:
            yield 1
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            list(steps())
        assert recorded.span("steps").attributes == {"flext.outcome": "cancelled"}

    @pytest.mark.parametrize("error", [StopIteration(), StopAsyncIteration(), GeneratorExit()])
    def test_exceptions_that_end_work_are_not_recorded(self, recorded: Recorded, error: BaseException) -> None:
        with pytest.raises(type(error)), traced("work"):
            raise error
        span = recorded.span("work")
        assert (span.status.status_code, span.events, span.attributes) == (StatusCode.UNSET, (), {})

    def test_error_without_readable_message(self, recorded: Recorded) -> None:
        with pytest.raises(MuteError), traced("work"):
            raise MuteError
        span = recorded.span("work")
        assert span.status.description == "MuteError: <no readable message>"
        assert [(event.name, dict(event.attributes or {})["exception.type"]) for event in span.events] == [
            ("exception", f"{__name__}.MuteError")
        ]

    def test_error_on_a_span_that_records_nothing(self) -> None:
        record_error(NonRecordingSpan(SpanContext(1, 1, is_remote=False)), ValueError())


class BrokenSpan(NonRecordingSpan):
    def is_recording(self) -> bool:
        return True

    def set_status(self, *_: object, **__: object) -> None:
        raise RuntimeError("broken status")

    def set_attribute(self, *_: object, **__: object) -> None:
        raise RuntimeError("broken attribute")

    def end(self, end_time: int | None = None) -> None:
        raise RuntimeError("broken end")


class TestForeignSpans:
    def test_a_span_whose_end_raises_is_logged_once(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING, "flext_observability"):
            for _ in range(2):
                end_span(BrokenSpan(SpanContext(1, 1, is_remote=False)))
        assert caplog.text.count("Ending a span failed: RuntimeError") == 1

    def test_a_span_whose_status_raises_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        record_error(BrokenSpan(SpanContext(1, 1, is_remote=False)), ValueError())
        record_error(BrokenSpan(SpanContext(1, 1, is_remote=False)), KeyboardInterrupt())
        assert "Recording an error on a span failed: RuntimeError: broken status" in caplog.text
