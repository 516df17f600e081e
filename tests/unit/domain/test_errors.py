from __future__ import annotations

import pickle

from flext_observability.domain.errors import FlextObservabilityError


def test_error_carries_message_and_code() -> None:
    error = FlextObservabilityError("port taken", "port_taken")

    assert (str(error), error.message, error.code) == ("port taken", "port taken", "port_taken")


def test_error_keeps_its_code_when_it_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(FlextObservabilityError("port taken", "port_taken")))  # noqa: S301 - our own bytes

    assert (error.message, error.code) == ("port taken", "port_taken")
