"""Errors for lack of files, memory or disk space, and the next action for each."""

from __future__ import annotations

import errno

import pytest

from flext_observability.pipeline.shortage import MEMORY_FIX, is_shortage, shortage


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "Raise the limit of open files (ulimit -n), or close files"),
        (OSError(errno.ENFILE, "x"), "Raise the limit of open files of the machine (fs.file-max), or close files"),
        (OSError(errno.ENOMEM, "x"), MEMORY_FIX),
        (MemoryError(), MEMORY_FIX),
        (OSError(errno.ENOSPC, "No space left on device"), "Free disk space"),
    ],
)
def test_a_shortage_is_retryable(error: BaseException, fix: str) -> None:
    assert is_shortage(error)
    outcome = shortage("it failed", error)
    assert (outcome.retry, outcome.reached, outcome.reason, outcome.fix) == (True, False, "unavailable", fix)


@pytest.mark.parametrize("error", [ImportError("_ssl"), OSError("no number"), ConnectionRefusedError(111, "refused")])
def test_other_errors_are_not_a_shortage(error: BaseException) -> None:
    assert not is_shortage(error)
    assert shortage("it failed", error).fix.startswith("Install the package again")
