"""TransportError and remaining time."""

from __future__ import annotations

import pytest

from flext_observability.wire.http.errors import TransportError, deadline_in, remaining_seconds


def test_remaining_seconds() -> None:
    assert 0 < remaining_seconds(deadline_in(5), "there") <= 5


def test_passed_deadline_is_a_timeout_that_names_the_peer() -> None:
    with pytest.raises(TransportError, match=r"there did not answer") as caught:
        remaining_seconds(deadline_in(0), "there")
    assert caught.value.kind == "timeout"


@pytest.mark.parametrize("kind", ["unknown_host", "refused", "unreachable", "timeout"])
def test_kinds_without_an_answer(kind: str) -> None:
    assert not TransportError(kind, "x").reached  # type: ignore[arg-type] # a literal by parametrisation


def test_kinds_with_an_answer() -> None:
    assert TransportError("not_http", "x").reached
