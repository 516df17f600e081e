"""Changed alerts and the real promtool: the tests of the rules notice each change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from monitoring.native.places import REPOSITORY, places_from
from monitoring.validation.rule_mutations import FOLDER, main, mutants, survives
from monitoring.validation.tree import Tree


def test_each_change_of_an_alert_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["BatchJobPushRefused", "CollectorQueueFilling"]) == 0
    assert "0 not" in capsys.readouterr().out


def test_a_change_that_no_test_notices_is_found(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / FOLDER, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "rule-tests" / "batch.yml"
    tests = yaml.safe_load(file.read_text(encoding="utf-8"))
    tests["tests"] = [test for test in tests["tests"] if "at the minute" not in test["name"]]
    file.write_text(yaml.safe_dump(tests), encoding="utf-8")
    rules = yaml.safe_load((tmp_path / "rules" / "batch.yml").read_text(encoding="utf-8"))
    places = places_from()
    made = [one for one in mutants("batch.yml", rules) if one.alert.startswith("BatchJobPushRefused")]
    assert [one.change for one in made if survives(Tree(places, places), one, tmp_path)] == [
        "for 1m → 3m",
        "for 1m → 0",
    ]
