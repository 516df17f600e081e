"""The function of an exit hook runs once in each process, however the process ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs import run, run_file


def test_it_runs_at_the_end_of_a_program_without_multiprocessing() -> None:
    done = run("""
        import sys
        sys.modules.pop("multiprocessing.util", None)  # something else may have loaded it
        from flext_observability.runtime.exit import ExitHook

        hooks = [ExitHook(at_exit) for at_exit in [lambda: print("exit", flush=True)] * 2]
        print("end", flush=True)
    """)
    assert done.lines == ["end", "exit"]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_it_runs_at_the_end_of_a_child_of_multiprocessing(method: str, tmp_path: Path) -> None:
    done = run_file(
        tmp_path,
        f"""
        import multiprocessing
        from flext_observability.runtime.exit import ExitHook

        def at_exit():
            print(multiprocessing.current_process().name, flush=True)

        hook = ExitHook(at_exit)

        if __name__ == "__main__":
            child = multiprocessing.get_context("{method}").Process(target=int, name="child")
            child.start()
            child.join()
        """,
    )
    assert done.lines == ["child", "MainProcess"]
