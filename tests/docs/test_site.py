"""Pages of the site: each is in the navigation, and each public name has an entry in the reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import flext_observability
from scripts.documentation import groups, pages, place, write
from tests.docs.pages import ROOT, blocks

SITE = pages()
NAMES = (ROOT / "docs" / "reference" / "names.md").read_text(encoding="utf-8")
CONFIGURATION = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def _entries(navigation: object) -> Iterator[str]:
    if isinstance(navigation, str):
        yield navigation
    for entry in (
        navigation.values() if isinstance(navigation, dict) else navigation if isinstance(navigation, list) else ()
    ):
        yield from _entries(entry)


def test_the_navigation_lists_every_page_once() -> None:
    entries = list(_entries(CONFIGURATION["nav"]))
    listings = {name for name in SITE if name.startswith("project/") and re.search(r"\.[a-z]+\.md$", name)}
    assert sorted(set(SITE) - listings - set(entries)) == [], "add them to nav in mkdocs.yml"
    assert sorted(set(entries) - set(SITE)) == []
    assert len(entries) == len(set(entries))


def test_every_public_name_has_one_entry_in_the_reference() -> None:
    entries = [
        name for text in SITE.values() for name in re.findall(r"^::: flext_observability\.(\w+)$", text, re.MULTILINE)
    ]
    assert sorted(entries) == sorted(flext_observability.__all__)


def test_the_table_of_names_links_to_the_reference() -> None:
    for _, page, names in groups(NAMES):
        assert f"reference/{page}" in SITE
        for name in names:
            assert f"| [`{name}`]({page}#flext_observability.{name}) |" in SITE["reference/names.md"]


@pytest.mark.parametrize("name", sorted(SITE))
def test_site_fences_have_no_test_tags(name: str) -> None:
    assert [block.tags for block in blocks(SITE[name]) if block.tags] == []


def test_a_link_out_of_docs_points_to_a_page_of_the_site() -> None:
    assert "](project/CONTRIBUTING.md)" in SITE["README.md"]
    assert "](../architecture.md)" in SITE["project/CONTRIBUTING.md"]
    assert place(ROOT / "scripts" / "python.sh") == "project/scripts/python.sh.md"


def test_the_site_loads_no_file_from_another_host() -> None:
    theme, plugins = CONFIGURATION["theme"], CONFIGURATION["plugins"]
    assert theme["font"] is False
    assert "offline" in plugins
    scripts = [*CONFIGURATION["extra_css"], *CONFIGURATION["extra"]["polyfills"]]
    assert all((ROOT / "docs" / script).is_file() for script in scripts)
    assert not any(
        "```mermaid" in text for text in SITE.values()
    )  # the theme would load its renderer from another host


def test_a_removed_page_is_deleted_from_the_site(tmp_path: Path) -> None:
    gone = tmp_path / "gone.md"
    gone.write_text("# Gone\n")
    assert write(tmp_path) == len(SITE)
    assert not gone.exists()
    assert (tmp_path / "images" / "demo.svg").is_file()


def test_a_warning_fails_the_build() -> None:
    assert "-m mkdocs build --strict\n" in (ROOT / "Makefile").read_text(
        encoding="utf-8"
    )  # --quiet would hide warnings
