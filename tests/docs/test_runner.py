"""The runner of documentation blocks fails for a wrong page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import blocks

RUNNER = Path(__file__).with_name("run_page.py")


def _run(tmp_path: Path, text: str) -> subprocess.CompletedProcess[str]:
    page = tmp_path / "page.md"
    page.write_text(text)
    command = [sys.executable, str(RUNNER), str(page)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_blocks_of_a_page_share_a_namespace_in_order(tmp_path: Path) -> None:
    run = _run(tmp_path, "```python\nx = 1\n```\ntext\n```python\nprint(x + 1)\n```\n")
    assert (run.returncode, run.stdout) == (0, "2\n")


def test_a_failing_block_is_reported_with_its_line_in_the_page(tmp_path: Path) -> None:
    run = _run(tmp_path, "# Title\n\n```python\nx = 1\nassert x == 2\n```\n")
    assert run.returncode == 1
    assert "line 5" in run.stderr


def test_different_output_fails(tmp_path: Path) -> None:
    assert _run(tmp_path, "```pycon\n>>> 1 + 1\n3\n```\n").returncode == 1


def test_connections_outside_loopback_are_rejected(tmp_path: Path) -> None:
    run = _run(tmp_path, "```python\nimport socket\nsocket.create_connection(('192.0.2.1', 80), 1)\n```\n")
    assert run.returncode == 1
    assert "only loopback" in run.stderr


def test_a_block_tagged_no_run_is_skipped_with_its_reason(tmp_path: Path) -> None:
    text = '```python no-run reason="needs Django"\nimport django_is_missing\n```\n'
    assert _run(tmp_path, text).returncode == 0
    assert [block.reason for block in blocks(text)] == ["needs Django"]


def test_a_fence_inside_a_longer_fence_is_text() -> None:
    found = list(blocks("````markdown\n```python\nx\n```\n````\n"))
    assert [(block.language, block.line) for block in found] == [("markdown", 2)]


def test_an_unclosed_fence_is_an_error() -> None:
    with pytest.raises(ValueError, match="line 1"):
        list(blocks("```python\nx = 1\n"))
