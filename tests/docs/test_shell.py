"""Shell blocks of README and docs run and print the output of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import blocks, name_of, pages
from tests.docs.shell import SHELLS, run_page


def _has_shell(path: Path) -> bool:
    found = blocks(path.read_text(encoding="utf-8"))
    return any(block.language in SHELLS and not block.reason for block in found)


@pytest.mark.parametrize("path", [path for path in pages() if _has_shell(path)] or pages()[:1], ids=name_of)
def test_shell_blocks_run(path: Path, tmp_path: Path) -> None:
    assert run_page(path, tmp_path) == []


def _problems(tmp_path: Path, text: str) -> list[str]:
    page, folder = tmp_path / "page.md", tmp_path / "checkout"
    page.write_text(text)
    folder.mkdir()
    return run_page(page, folder)


def test_blocks_of_a_page_share_a_folder_in_order(tmp_path: Path) -> None:
    assert _problems(tmp_path, "```bash\necho hello > note\n```\ntext\n```console\n$ cat note\nhello\n```\n") == []


def test_a_failing_command_is_reported_with_its_line(tmp_path: Path) -> None:
    assert _problems(tmp_path, "# Title\n\n```sh\nfalse\n```\n") == ["line 4: false\n: exit code 1\n"]


def test_different_output_is_reported(tmp_path: Path) -> None:
    found = _problems(tmp_path, "```console\n$ echo one two\none ...\n$ echo three\nfour\n```\n")
    assert len(found) == 1
    assert "three" in found[0]


def test_a_named_block_is_saved_for_later_commands(tmp_path: Path) -> None:
    text = '```python file="sum.py"\nprint(1 + 1)\n```\n```console\n$ python sum.py\n2\n```\n'
    assert _problems(tmp_path, text) == []


def test_a_program_in_a_page_reaches_only_loopback(tmp_path: Path) -> None:
    call = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"
    (problem,) = _problems(tmp_path, f'```bash\npython -c "{call}"\n```\n')
    assert "only loopback" in problem


@pytest.mark.parametrize(
    "command", ["make help && make demo", "pip install .", "python -m pip install flext-observability"]
)
def test_commands_that_change_the_environment_are_rejected(command: str, tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, f"```console\n$ {command}\n```\n")
    assert "tag the block no-run" in problem


def test_a_block_tagged_no_run_is_skipped(tmp_path: Path) -> None:
    assert _problems(tmp_path, '```bash no-run reason="needs Go"\nfalse\n```\n') == []


def test_background_processes_are_killed(tmp_path: Path) -> None:
    text = (
        "```bash\nsleep 60 >/dev/null 2>&1 &\necho $! > pid\n```\n"
        "```bash\nsleep 0.2; ! ps -o stat= -p $(cat pid) | grep -qv Z\n```\n"
    )
    assert _problems(tmp_path, text) == []
