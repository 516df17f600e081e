"""Names of processes among their relatives, in real children."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs import run, run_file


def test_the_first_process_has_no_name_and_its_forks_have_numbers() -> None:
    done = run(
        """
        import os

        from flext_observability.runtime.process_name import process_name

        def fork(work):
            if pid := os.fork():
                os.waitpid(pid, 0)
            else:
                work()
                os._exit(0)

        def show():
            print(repr(process_name()), flush=True)

        fork(lambda: show())  # before the first call: a first process, as far as it knows
        show()
        fork(show)
        fork(lambda: fork(show))
        fork(lambda: (show(), fork(show)))
        show()
        """
    )
    assert done.lines == ["''", "''", "'fork-1'", "'fork-2.fork-1'", "'fork-3'", "'fork-3.fork-1'", "''"]


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_children_of_multiprocessing_that_ask_first_have_the_name_it_gave(method: str, tmp_path: Path) -> None:
    source = f"""
        import multiprocessing

        from flext_observability.runtime.process_name import process_name

        def show():
            print(process_name(), flush=True)

        if __name__ == "__main__":
            for _ in range(2):
                child = multiprocessing.get_context("{method}").Process(target=show)
                child.start()
                child.join()
        """
    done = run_file(tmp_path, source)
    assert done.lines == [f"{method.capitalize()}Process-1", f"{method.capitalize()}Process-2"]
