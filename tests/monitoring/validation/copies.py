"""Copy of the repository's configuration files, to break one of them in one place."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from monitoring.control.secret_files import make_secrets
from monitoring.native.places import REPOSITORY, places_from
from monitoring.validation.faults import Fault, Outcome
from monitoring.validation.table import all_checks
from monitoring.validation.tree import Tree

_FILES = ("otel-collector.yaml", "docker-compose.monitoring.yml", ".env", "docs/dashboards.md")
_FOLDERS = ("monitoring", "docs/runbooks")


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the files under check, which a test may change."""

    folder: Path
    state: Path

    def path(self, file: str) -> Path:
        """Return the path of a file of the copy."""
        return self.folder / file

    def text(self, file: str) -> str:
        """Return the content of a file."""
        return self.path(file).read_text(encoding="utf-8")

    def write(self, file: str, text: str) -> None:
        """Write a file with its folder."""
        self.path(file).parent.mkdir(parents=True, exist_ok=True)
        self.path(file).write_text(text, encoding="utf-8")

    def change(self, file: str, old: str, new: str) -> int:
        """Replace the first occurrence of a text, which must exist. Return its line."""
        text = self.text(file)
        assert old in text, f"{file} has no {old!r}"
        self.write(file, text.replace(old, new, 1))
        return text[: text.index(old)].count("\n") + 1

    def outcomes(self, *only: str) -> list[Outcome]:
        """Run the checks with one of these words in the title, or all."""
        places = replace(places_from(), repository=self.folder)
        tree = Tree(places, replace(places, state=self.state))
        chosen = [check for check in all_checks(tree) if not only or any(word in check.title for word in only)]
        assert chosen, f"no check has {only} in its title"
        return [check.run() for check in chosen]

    def faults(self, *only: str) -> list[Fault]:
        """Return the faults of the checks. Skip the test if a program of a check is not installed."""
        return faults_of(self.outcomes(*only))


def faults_of(outcomes: Sequence[Outcome]) -> list[Fault]:
    """Return all faults once. Skip the test if a program is not installed."""
    for outcome in outcomes:
        if "is not installed" in outcome.not_checked:
            pytest.skip(outcome.not_checked)
    return sorted({fault for outcome in outcomes for fault in outcome.faults})


def copy_of_repository(folder: Path) -> Copy:
    """Copy the files under check to a new folder, with secrets."""
    target = folder / "repository"
    for name in _FOLDERS:
        if (REPOSITORY / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "secrets")
            shutil.copytree(REPOSITORY / name, target / name, ignore=ignored, symlinks=True)
    for name in _FILES:
        shutil.copyfile(REPOSITORY / name, target / name)
    make_secrets(target)
    state = folder / "state"
    state.mkdir()
    return Copy(target, state)
