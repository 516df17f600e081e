from __future__ import annotations

import pickle

import pytest

from flext_observability.domain.result import FlextObservabilityError, FlextResult, compose_message

FAILURE = FlextResult[int].fail("Port 80: taken", code="port_taken", fix="Choose another port")


def test_an_error_carries_message_code_and_fix() -> None:
    error = FlextObservabilityError("Port 80: taken", "port_taken", "Choose another port")

    assert str(error) == "Port 80: taken. Choose another port."
    assert (error.message, error.code, error.fix) == ("Port 80: taken", "port_taken", "Choose another port")


def test_an_error_without_a_fix_reads_as_its_message() -> None:
    assert str(FlextObservabilityError("port taken")) == "port taken"


def test_a_pickled_error_keeps_its_code_and_fix() -> None:
    pickled = pickle.dumps(FlextObservabilityError("port taken", "port_taken", "wait"))
    error = pickle.loads(pickled)  # noqa: S301 - our own bytes

    assert (error.message, error.code, error.fix) == ("port taken", "port_taken", "wait")


def test_a_failure_has_its_fix_as_a_field_and_in_its_error() -> None:
    assert (FAILURE.message, FAILURE.fix) == ("Port 80: taken", "Choose another port")
    assert FAILURE.error == "Port 80: taken. Choose another port."
    assert repr(FAILURE) == "FlextResult.fail('Port 80: taken', code='port_taken', fix='Choose another port')"
    assert FlextResult[int].fail("Port 80: taken", code="port_taken") != FAILURE


def test_a_success_has_no_message_and_no_fix() -> None:
    assert (FlextResult.ok(1).message, FlextResult.ok(1).fix) == (None, "")


def test_the_fix_survives_a_new_message_and_unwrap() -> None:
    with pytest.raises(FlextObservabilityError) as caught:
        FAILURE.map_error(str.upper).unwrap()

    assert (caught.value.message, caught.value.fix) == ("PORT 80: TAKEN", "Choose another port")


def test_a_match_reads_the_fix_last() -> None:
    match FAILURE:
        case FlextResult(False, None, error, code, fix):
            assert (error, code, fix) == (FAILURE.error, "port_taken", "Choose another port")
        case _:
            pytest.fail("a failure matches")


@pytest.mark.parametrize(
    ("fix", "text"),
    [
        ("Choose another", "Port 80: taken. Choose another."),
        ("Choose another.", "Port 80: taken. Choose another."),
        ("pip install opentelemetry-sdk", "Port 80: taken. pip install opentelemetry-sdk"),
        ("Use http://localhost:4318", "Port 80: taken. Use http://localhost:4318"),
        ("", "Port 80: taken"),
    ],
)
def test_a_message_ends_with_its_fix(fix: str, text: str) -> None:
    assert compose_message("Port 80: taken", fix) == text
