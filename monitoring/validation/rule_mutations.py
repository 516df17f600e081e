"""Alerts with a changed threshold or duration → those that no test of a rule notices.

`make test-rule-mutations` changes each number that an alert compares with, and its `for`, one at a time, and runs the
tests of its rule file with the real promtool. A change that no test notices is a test that is missing.
"""

from __future__ import annotations

import copy
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from monitoring.native.parts import PROMETHEUS
from monitoring.native.places import places_from
from monitoring.validation.faults import NotCheckedError
from monitoring.validation.tree import Tree

FOLDER: Final = Path("monitoring/prometheus")
_COMPARISON: Final = re.compile(
    r"(?:[<>]=?|[=!]=)\s*(?:bool\s*)?(?:(?:on|ignoring)\s*\([^)]*\)\s*)?(?:group_(?:left|right)\s*(?:\([^)]*\))?\s*)?"
    r"(\d+(?:\.\d+)?)(?![\w.\[])"
)
_SERIES: Final = re.compile(r"(?<![<>=!])>(?!=)")
_DURATION: Final = re.compile(r"(\d+)(ms|[smhd])")
_JOBS: Final = 2
_EQUIVALENT: Final = {("PrometheusWithoutAlertmanager", "1 → 0.5"): "the metric is a whole number"}
"""Changes that change nothing, with the reason."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed rule.

    Attributes:
        file: Name of the rule file.
        alert: Name of the alert.
        change: What was changed.
        groups: Content of the rule file with the change.
    """

    file: str
    alert: str
    change: str
    groups: dict[str, Any]


def mutants(file: str, content: dict[str, Any]) -> Iterator[Mutant]:
    """Yield the mutants of the alerts of a rule file."""
    for group_number, group in enumerate(content["groups"]):
        for rule_number, rule in enumerate(group["rules"]):
            for change, changed in _changes(rule) if "alert" in rule else ():
                groups = copy.deepcopy(content)
                groups["groups"][group_number]["rules"][rule_number] = changed
                yield Mutant(file, _name(rule), change, groups)


def _changes(rule: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each change of a rule with the changed rule."""
    numbers = list(_COMPARISON.finditer(rule["expr"]))
    if not numbers:  # two series are compared
        for match in _SERIES.finditer(rule["expr"]):
            expression = f"{rule['expr'][: match.start()]}<{rule['expr'][match.end() :]}"
            yield "> → <", {**rule, "expr": expression}
    for match in numbers:
        number = float(match[1])
        for other in (number * 2, number / 2) if number else (1e12,):
            expression = f"{rule['expr'][: match.start(1)]}{other:g}{rule['expr'][match.end(1) :]}"
            yield f"{match[1]} → {other:g}", {**rule, "expr": expression}
    if found := _DURATION.fullmatch(str(rule.get("for", ""))):
        longer = f"{int(found[1]) * 3}{found[2]}"
        yield f"for {rule['for']} → {longer}", {**rule, "for": longer}
        yield f"for {rule['for']} → 0", {name: value for name, value in rule.items() if name != "for"}


def survives(tree: Tree, mutant: Mutant, source: Path) -> bool:
    """Return whether all tests of the rule file pass in spite of the change.

    Args:
        tree: Runs promtool.
        mutant: The change.
        source: Folder with ``rules`` and ``rule-tests``.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(source / "rules", folder / "rules")
        shutil.copytree(source / "rule-tests", folder / "rule-tests")
        (folder / "rules" / mutant.file).write_text(yaml.safe_dump(mutant.groups, sort_keys=False), encoding="utf-8")
        for test in sorted((folder / "rule-tests").glob("*.yml")):
            text = test.read_text(encoding="utf-8")
            if mutant.file in text and mutant.alert.split()[0] in text:
                words = ["test", "rules", f"--run={_names(text, mutant.alert.split()[0])}", str(test)]
                if not tree.run(PROMETHEUS, "promtool", words).good:
                    return False
    return True


def _names(text: str, alert: str) -> str:
    """Return a pattern for the tests of a file that name an alert."""
    tests = yaml.safe_load(text)["tests"]
    return "^(" + "|".join(re.escape(str(test["name"])) for test in tests if alert in yaml.safe_dump(test)) + ")$"


def main(arguments: list[str]) -> int:
    """Run all mutants, or those of the named alerts; return 1 if one survives, and 2 without promtool."""
    places = places_from()
    tree = Tree(places, places)
    try:
        return _run(tree, arguments)
    except NotCheckedError as error:
        print(f"not run: {error}")
        return 2


def _run(tree: Tree, arguments: list[str]) -> int:
    places = tree.places
    tree.program(PROMETHEUS, "promtool")
    files = sorted((places.repository / FOLDER / "rules").glob("*.yml"))
    made = [mutant for file in files for mutant in mutants(file.name, yaml.safe_load(file.read_text(encoding="utf-8")))]
    made = [mutant for mutant in made if (mutant.alert, mutant.change) not in _EQUIVALENT]
    made = [mutant for mutant in made if not arguments or mutant.alert.split()[0] in arguments]
    with ThreadPoolExecutor(_JOBS) as pool:
        verdicts = list(pool.map(partial(survives, tree, source=places.repository / FOLDER), made))
    found = [mutant for mutant, survived in zip(made, verdicts, strict=True) if survived]
    for mutant in found:
        print(f"{mutant.file}: no test notices the change of {mutant.alert}: {mutant.change}")
    silent = _unchanged(places.repository / FOLDER, {mutant.alert for mutant in made}, arguments)
    for name in silent:
        print(f"nothing of the alert {name} can be changed")
    print(f"{len(made)} changed alerts, {len(made) - len(found)} noticed, {len(found)} not")
    return 1 if found or silent else 0


def _unchanged(folder: Path, changed: set[str], arguments: list[str]) -> list[str]:
    """Return the alerts without a mutant."""
    files = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted((folder / "rules").glob("*.yml")))
    rules = (rule for content in files for group in content["groups"] for rule in group["rules"] if "alert" in rule)
    names = {_name(rule) for rule in rules}
    return sorted(name for name in names - changed if not arguments or name.split()[0] in arguments)


def _name(rule: dict[str, Any]) -> str:
    return f"{rule['alert']} {rule.get('labels', {}).get('window', '')}".strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
