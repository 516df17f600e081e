"""Write the pages of the documentation site to .cache/site-source.

The source is docs/ with all linked files. A linked file outside docs/ becomes a page of the site, fences lose their
tags for tests, and each group of docs/reference/names.md becomes a reference page made of docstrings.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
TARGET = ROOT / ".cache" / "site-source"
NAMES = "reference/names.md"
PACKAGE = "flext_observability"
_FENCED = re.compile(r"^( *)(`{3,}|~{3,})(.*?)$(.*?)^ *\2 *$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)
_LANGUAGES = {".md": "markdown", ".py": "python", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}


def pages() -> dict[str, str]:
    """Return the text of each page by its path in the site."""
    pending = sorted(DOCS.rglob("*.md"))
    found: dict[str, str] = {}
    while pending:
        source = pending.pop()
        text, linked = _page(source)
        found[place(source)] = text
        pending += [path for path in linked if path.suffix == ".md" and place(path) not in found]
        found |= {place(path): _listing(path) for path in linked if path.suffix != ".md"}
    return found | dict(_reference(found))


def place(path: Path) -> str:
    """Return the path of a repository file in the site: docs/ is the top level, other files are below project/."""
    if path.is_relative_to(DOCS):
        return str(path.relative_to(DOCS))
    inside = path.relative_to(ROOT)
    return str("project" / inside if path.suffix == ".md" else "project" / inside.with_name(f"{inside.name}.md"))


def _page(source: Path) -> tuple[str, list[Path]]:
    linked: list[Path] = []

    def moved(link: re.Match[str]) -> str:
        target, _, anchor = link[1].partition("#")
        path = (source.parent / target).resolve()
        path = path / "README.md" if path.is_dir() else path
        if not target or not path.is_file():  # an address on another host, or a broken link, which MkDocs reports
            return link[0]
        if path.suffix == ".md" or not path.is_relative_to(DOCS):
            linked.append(path)
        there = os.path.relpath(
            place(path) if path in linked else path.relative_to(DOCS), PurePosixPath(place(source)).parent
        )
        return f"]({there}#{anchor})" if anchor else f"]({there})"

    return _outside_fences(source.read_text(encoding="utf-8"), lambda text: _LINK.sub(moved, text)), linked


def _outside_fences(text: str, change: Callable[[str], str]) -> str:
    """Apply ``change`` to the prose, and remove the tags for tests from the fences."""
    parts: list[str] = []
    end = 0
    for fence in _FENCED.finditer(text):
        language = fence[3].strip().partition(" ")[0]
        parts += [change(text[end : fence.start()]), f"{fence[1]}{fence[2]}{language}{fence[4]}{fence[1]}{fence[2]}"]
        end = fence.end()
    return "".join([*parts, change(text[end:])])


def _listing(path: Path) -> str:
    name = path.relative_to(ROOT)
    return f"# {name}\n\n````{_LANGUAGES.get(path.suffix, 'text')}\n{path.read_text(encoding='utf-8').rstrip()}\n````\n"


def groups(names: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (title, page, names) for each section of the table of names. The page is relative to that of the table."""
    for section in names.split("\n## ")[1:]:
        title = section.partition("\n")[0].strip()
        yield title, f"api/{re.sub(r'[^a-z]+', '-', title.lower())}.md", _ROW.findall(section)


def _reference(found: dict[str, str]) -> Iterator[tuple[str, str]]:
    table = found[NAMES]
    for title, page, names in groups(table):
        directives = "\n".join(f"::: {PACKAGE}.{name}\n" for name in names)
        yield f"{PurePosixPath(NAMES).parent / page}", f"# {title}\n\n{directives}"
        for name in names:
            table = table.replace(f"\n| `{name}` |", f"\n| [`{name}`]({page}#{PACKAGE}.{name}) |")
    yield NAMES, table


def write(target: Path) -> int:
    """Write changed pages, and delete removed ones. Return the number of pages."""
    wanted = pages()
    for old in [path for path in target.rglob("*.md") if str(path.relative_to(target)) not in wanted]:
        old.unlink()
    for name, text in wanted.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in DOCS.rglob("*"):
        if path.is_file() and path.suffix != ".md":
            copy = target / path.relative_to(DOCS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
    return len(wanted)


def on_pre_build(config: object) -> None:
    """Update the pages before a build (hook of MkDocs)."""
    write(TARGET)


if __name__ == "__main__":
    print(f"site: {write(TARGET)} pages")
