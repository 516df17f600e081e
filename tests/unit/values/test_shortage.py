"""Errors for lack of files, memory or disk space, and the next action for each."""

from __future__ import annotations

import errno

import pytest

from flext_observability.values.shortage import MEMORY_FIX, check_files, is_shortage, shortage_fix
from tests.programs import run


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
def test_a_shortage_has_its_fix(error: BaseException, fix: str) -> None:
    assert is_shortage(error)
    assert shortage_fix(error) == fix


@pytest.mark.parametrize("error", [ImportError("_ssl"), OSError("no number"), ConnectionRefusedError(111, "refused")])
def test_other_errors_are_not_a_shortage(error: BaseException) -> None:
    assert not is_shortage(error)
    assert shortage_fix(error).startswith("Install the package again")


def test_files_can_be_opened_usually() -> None:
    check_files()


def test_without_descriptors_no_file_can_be_opened() -> None:
    done = run("""
        import resource
        from flext_observability.values.shortage import check_files
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        try:
            check_files()
        except OSError as error:
            print(error.errno)
    """)
    assert done.lines == ["24"], done.err
