"""The family of a process: forks and children of ``multiprocessing``, up to the process of another program."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from flext_observability.runtime.process_family import ProcessIdentity, family_root, is_running, own_identity
from tests.programs import run_file

PROGRAM = """
import json, multiprocessing, os
from pathlib import Path
from flext_observability.runtime.process_family import family_root

AT_IMPORT = family_root().pid

def child(queue):
    queue.put([AT_IMPORT, family_root().pid, family_root(Path("missing")).pid])
    queue.put(os.getpid())

def main():
    found = {}
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        process = context.Process(target=child, args=(queue,))
        process.start()
        found[method] = queue.get()
        assert queue.get() != os.getpid()
        process.join()
    read, write = os.pipe()
    if os.fork() == 0:
        if os.fork() == 0:
            os.write(write, b"%d" % family_root().pid)
            os._exit(0)
        os.wait()
        os._exit(0)
    found["grandchild"] = int(os.read(read, 100))
    print(json.dumps([os.getpid(), family_root().pid, found]))

if __name__ == "__main__":
    main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_children_belong_to_the_first_process(tmp_path: Path) -> None:
    done = run_file(tmp_path, PROGRAM)
    assert done.code == 0, done.err
    own, root, found = json.loads(done.out)
    assert root == own
    assert found == {
        "fork": [own, own, own],
        "spawn": [own, own, own],
        "forkserver": [own, own, own],
        "grandchild": own,
    }


def test_a_process_runs_until_its_end() -> None:
    assert is_running(own_identity())
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert not is_running(ProcessIdentity(child, own_identity().started))
    assert not is_running(ProcessIdentity(child, 0))


def test_a_later_process_with_the_same_number_is_another_one() -> None:
    assert not is_running(ProcessIdentity(os.getpid(), 1))


def test_without_proc_a_process_is_its_own_family(tmp_path: Path) -> None:
    assert family_root(tmp_path) == own_identity(tmp_path) == ProcessIdentity(os.getpid(), 0)
    assert is_running(own_identity(tmp_path))


def _process(proc: Path, pid: int, parent: int, command: bytes) -> None:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "cmdline").write_bytes(command)
    fields = b" ".join([b"S", b"%d" % parent, *[b"0"] * 17, b"%d" % (pid * 100)])
    (proc / str(pid) / "stat").write_bytes(b"%d (a) b) %s" % (pid, fields))


def test_workers_with_titles_belong_to_their_master(tmp_path: Path) -> None:
    _process(tmp_path, 3, 1, b"sh")
    _process(tmp_path, 4, 3, b"gunicorn: master [shop]")
    _process(tmp_path, os.getpid(), 4, b"gunicorn: worker [shop]")
    assert family_root(tmp_path) == ProcessIdentity(4, 400)


def test_a_parent_that_hides_its_command_is_another_program(tmp_path: Path) -> None:
    _process(tmp_path, 4, 3, b"")
    _process(tmp_path, os.getpid(), 4, b"program")
    assert family_root(tmp_path).pid == os.getpid()


def test_a_long_line_of_ancestors_is_cut(tmp_path: Path) -> None:
    _process(tmp_path, os.getpid(), 100_001, b"program")
    for pid in range(100_001, 100_030):
        _process(tmp_path, pid, pid + 1, b"program")
    assert family_root(tmp_path).pid == 100_016


def test_a_parent_without_a_command_is_another_program(tmp_path: Path) -> None:
    _process(tmp_path, os.getpid(), 4, b"program")
    assert family_root(tmp_path).pid == os.getpid()
