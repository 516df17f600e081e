"""Regular files are opened; pipes, sockets and devices are errors at once."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from flext_observability.values.regular_file import is_special, open_regular, read_regular


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.fixture
def unix_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # the path of a socket has a maximum length
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    return tmp_path / "socket"


def test_the_content_of_a_regular_file_is_read_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_regular(str(tmp_path / "link")) == b"content"
    assert not is_special(tmp_path / "link")


def test_a_file_is_created_with_the_flag_for_it(tmp_path: Path) -> None:
    os.close(open_regular(tmp_path / "new", os.O_WRONLY | os.O_CREAT))
    assert (tmp_path / "new").exists()


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular(str(tmp_path / "gone"))
    assert not is_special(tmp_path / "gone")
    assert not is_special("\0")


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY])
def test_a_pipe_is_an_error_at_once(pipe: Path, flags: int) -> None:
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(pipe, flags)
    assert is_special(pipe)


def test_a_pipe_with_a_reader_is_an_error_too(pipe: Path) -> None:
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(pipe, os.O_WRONLY)
    os.close(open_regular(pipe, os.O_WRONLY, accept_any=True))
    os.close(reader)


def test_a_socket_is_an_error(unix_socket: Path) -> None:
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(unix_socket, os.O_WRONLY)
    assert is_special(unix_socket)


def test_a_device_is_accepted_on_request_alone() -> None:
    with pytest.raises(OSError, match="not a regular file"):
        open_regular("/dev/null", os.O_WRONLY)
    os.close(open_regular("/dev/null", os.O_WRONLY, accept_any=True))


def test_a_directory_is_an_error_always(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(tmp_path, os.O_RDONLY, accept_any=True)
    assert not is_special(tmp_path)
