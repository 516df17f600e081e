"""The comparison of pages with printed output accepts only the known variations."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.output import problems, unaccounted
from tests.docs.pages import blocks
from tests.docs.shell import run_page

RUNNER = Path(__file__).with_name("run_page.py")
BOTH = """```python
import atexit, sys
atexit.register(print, "the end")
print("one")
print("a warning", file=sys.stderr)
print("two")
```
"""


def _problems(tmp_path: Path, text: str) -> list[str]:
    page, written = tmp_path / "page.md", tmp_path / "written.json"
    page.write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, str(RUNNER), str(page), str(written)], check=True, capture_output=True, timeout=60)
    return problems(page, json.loads(written.read_text(encoding="utf-8")))


def _differs(tmp_path: Path, printed: str, shown: str, tags: str = "") -> bool:
    return bool(_problems(tmp_path, f"```python\nprint({printed!r})\n```\n```text {tags}\n{shown}\n```\n"))


@pytest.mark.parametrize("shown", ["one\na warning\ntwo", "one\ntwo", "one\n…\ntwo", "one ..."])
def test_a_page_shows_both_streams_or_standard_output(shown: str, tmp_path: Path) -> None:
    assert _problems(tmp_path, f"{BOTH}and so it\nprints:\n\n```text\n{shown}\n```\n") == []


@pytest.mark.parametrize("shown", ["one", "two\none", "one\ntwo\nthree", "a warning", "one\ntwo\nthe end", "on\ntwo"])
def test_missing_added_or_swapped_output_is_reported_with_its_line(shown: str, tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, f"{BOTH}```text\n{shown}\n```\n")
    assert problem.startswith("line 9: printed\n")


def test_a_block_is_compared_with_its_own_output(tmp_path: Path) -> None:
    text = "```python\nprint(1)\n```\n```text\n1\n```\n```python\nprint(2)\n```\n```text\n1\n2\n```\n"
    assert [problem.split(":")[0] for problem in _problems(tmp_path, text)] == ["line 11"]


def test_late_output_may_appear_until_the_program_ends(tmp_path: Path) -> None:
    assert _problems(tmp_path, f"{BOTH}```text late\nthe end\n```\n") == []
    assert len(_problems(tmp_path, f"{BOTH}```text late\nno end\n```\n")) == 1


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (
            "id 00f067aa0ba902b7 of 4bf92f3577b34da6a3ce929d0e0e4736",
            "id 94e81a96456c03ba of de68b1f4849aa905169ec13b60166ab4",
        ),
        ("2026-11-21 00:36:49,391 INFO", "2026-11-20 22:11:40.722149+00:00 INFO"),
        ("22:05:30.372 trace 1.05 ms · 2 spans", "01:52:27.588 trace 13 µs · 2 spans"),
        ("trace  2 s · 2 spans\n  +1 s ", "trace  67 ms · 2 spans\n  +34 ms "),
        ("http://127.0.0.1:43757/x", "http://127.0.0.1:80/x"),
        ("price  " + "━" * 23 + "·", "price " + "━" * 24),
        ("ValueError: no (logs.md:64)", "ValueError: no (shop.py:13)"),
    ],
)
def test_values_that_vary_between_runs_may_differ(printed: str, shown: str, tmp_path: Path) -> None:
    assert not _differs(tmp_path, printed, shown)


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("id 00000000", "id 67c95e67"),
        ("localhost:4318", "localhost:4317"),
        ("1.05 ms · 2 spans", "1.05 ms · 3 spans"),
        ("after 5 s", "after 6 s"),
        ("1700000000", "1700000001"),
        ("Metrics", "metrics"),
    ],
)
def test_other_values_must_be_equal(printed: str, shown: str, tmp_path: Path) -> None:
    assert _differs(tmp_path, printed, shown)


def test_numbers_vary_only_with_the_tag(tmp_path: Path) -> None:
    assert not _differs(tmp_path, 'x{y="used"} 1.5e-05', 'x{y="used"} 41820160', "numbers-vary")
    assert _differs(tmp_path, "dropped=2, kept=3", "kept=3", "numbers-vary")


def test_uncompared_text_needs_a_reason() -> None:
    run, other = "```python\n1\n```\n", "```python no-run\n1\n```\n"
    assert unaccounted(list(blocks(f"{run}```text\nx\n```\n")), "python") == []
    assert unaccounted(list(blocks("```text no-output\nx\n```\n")), "python") == []
    assert unaccounted(list(blocks(f'{other}```text varies reason="late in the day"\nx\n```\n')), "python") == []
    assert unaccounted(list(blocks(f"{other}```text\nx\n```\n")), "python") == ["line 5: text"]
    assert unaccounted(list(blocks(f"{run}```text laet\nx\n```\n")), "python") == ["line 5: text laet"]
    (without,) = [block.reason for block in blocks("```text varies\nx\n```\n")]
    assert without == "no reason given"


def test_text_after_a_script_is_its_output(tmp_path: Path) -> None:
    page, shown = tmp_path / "page.md", "```bash\necho one\n```\nprints\n```text\n{}\n```\n"
    found: list[list[str]] = []
    for number, text in enumerate(("one", "two")):
        page.write_text(shown.format(text))
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(run_page(page, folder))
    assert found == [[], ["line 2: line 6: printed\none\n\ninstead of\ntwo\n"]]
