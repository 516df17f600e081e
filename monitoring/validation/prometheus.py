"""Prometheus files → faults found by promtool: configuration with targets, rules, tests of rules."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from monitoring.native.parts import PROMETHEUS
from monitoring.native.targets import prometheus_folder, write_prometheus_folder
from monitoring.validation.check import Check
from monitoring.validation.documents import Document
from monitoring.validation.faults import Fault, NotCheckedError
from monitoring.validation.messages import line_of, sentence
from monitoring.validation.syntax import syntax_faults
from monitoring.validation.tree import Tree, nearest

FOLDER: Final = "monitoring/prometheus"
CONFIGURATION: Final = f"{FOLDER}/prometheus.yml"

_POSITION = re.compile(r"^(?:0:0: )?(\d+):(\d+): (.*)")
_FUNCTION = re.compile(r'unknown function with name "([^"]+)"')
_RULE = re.compile(r'group "([^"]*)", rule (\d+), "([^"]*)": (.*)')
_YAML_LINE = re.compile(r"^line (\d+): (.*)")
_SD_FILE = re.compile(r'checking SD file "([^"]+)": ?(.*)')
_MISSING_SD = re.compile(r'WARNING: file "([^"*]+)" for file_sd')
_ALERT: Final = re.compile(r"^\s*-? ?alert: *[\"']?(\w+)", re.MULTILINE)
_MAX_MESSAGE: Final = 400
_PARSE: Final = "could not parse expression: "
_FIELDS: Final = "alert annotations expr for interval keep_firing_for labels limit name query_offset record rules"


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of the configuration with Docker and native targets, of each rule file and of each rule test."""
    yield Check(f"{CONFIGURATION} with its targets (Docker)", partial(_docker, tree))
    yield Check(f"{CONFIGURATION} with its targets (native)", partial(_native, tree))
    for file in tree.files(f"{FOLDER}/rules/*.yml"):
        yield Check(file, partial(_rules, tree, file))
    for file in tree.files(f"{FOLDER}/rule-tests/*.yml"):
        yield Check(file, partial(_tests, tree, file))


def _docker(tree: Tree) -> Iterator[Fault]:
    return _configuration(tree, tree.repository / FOLDER)


def _native(tree: Tree) -> Iterator[Fault]:
    if syntax_faults(tree, CONFIGURATION):
        raise NotCheckedError(f"{CONFIGURATION} is not readable as YAML, correct it first")
    write_prometheus_folder(tree.scratch)
    return _configuration(tree, prometheus_folder(tree.scratch))


def _configuration(tree: Tree, folder: Path) -> Iterator[Fault]:
    if syntax_faults(tree, CONFIGURATION):
        raise NotCheckedError(f"{CONFIGURATION} is not readable as YAML, correct it first")
    answer = tree.run(PROMETHEUS, "promtool", ["check", "config", "--lint=none", str(folder / "prometheus.yml")])
    document = tree.document(CONFIGURATION)
    for file in dict.fromkeys(_MISSING_SD.findall(answer.text)):
        relative = Path(file).relative_to(folder) if Path(file).is_absolute() else Path(file)
        known = [path.removeprefix(f"{FOLDER}/") for path in tree.files(f"{FOLDER}/*/*.yml")]
        number = document.line_of_text(str(relative)) or 1
        action = nearest(str(relative), known)
        yield Fault(CONFIGURATION, number, f"target file {relative}", "it does not exist", action)
    if not answer.good:
        yield from _configuration_faults(tree, folder, answer.text)


def _configuration_faults(tree: Tree, folder: Path, text: str) -> Iterator[Fault]:
    """Yield the faults of the configuration and its target files. Rule files have checks of their own."""
    about_rules = re.compile(r"^Checking .*/rules/", re.MULTILINE).split(text)[0]
    _, found, message = about_rules.partition("FAILED:")
    if not found:
        return
    message = re.sub(r"parsing YAML file \S+: ", "", message).strip()
    file = CONFIGURATION
    if target := _SD_FILE.search(message):
        file, message = f"{FOLDER}/{Path(target[1]).parent.name}/{Path(target[1]).name}", message[target.end(1) + 2 :]
        if folder != tree.repository / FOLDER:
            raise NotCheckedError(f"a generated target file is not valid: {sentence(message)}")
    yield from yaml_message_faults(tree.document(file), "configuration", message)


def yaml_message_faults(document: Document, what: str, message: str) -> Iterator[Fault]:
    """Yield the faults of a message of Go's YAML library, one for each of its lines with a number."""
    numbered = [found for line in message.splitlines() if (found := _YAML_LINE.match(line.strip()))]
    for found in numbered:
        why = re.sub(r" (?:not found )?in type .*", "", found[2]).replace("field ", "the field ")
        unknown = "not found in type" in found[2]
        why = f"{why} does not exist" if unknown else why
        name = found[2].split()[1] if unknown else ""
        action = nearest(name, _FIELDS.split()) if what == "rule file" and unknown else ""
        yield Fault(document.file, int(found[1]), what, sentence(why), action or "Correct the name or the value")
    if not numbered:
        why = sentence(message.splitlines()[0] if message.strip() else "the program gives no reason")
        quoted = re.search(r'multiple .*"([^"]+)"', why)
        number = document.last_line_of_text(quoted[1]) if quoted else line_of(document, message)
        yield Fault(document.file, number or 1, what, why, "Use another name" if quoted else "Correct the value")


def _rules(tree: Tree, file: str) -> Iterator[Fault]:
    if syntax_faults(tree, file):
        raise NotCheckedError("it is not readable as YAML, correct it first")
    document = tree.document(file)
    answer = tree.run(PROMETHEUS, "promtool", ["check", "rules", "--lint=duplicate-rules", str(document.path)])
    if not answer.good or "duplicate rule" in answer.text:
        yield from rule_faults(document, answer.text)


def rule_faults(document: Document, text: str) -> Iterator[Fault]:
    """Yield the faults in the output of `promtool check rules` for one file."""
    _, _, message = text.partition("FAILED:")
    prefix = f"{document.path}: "
    entries = list(dict.fromkeys(part.strip() for part in message.split(prefix) if part.strip()))
    for entry in entries:
        yield from _rule_fault(document, entry)
    if not entries:
        duplicate = re.search(r"Metric: (\S+)", text)
        name = duplicate[1] if duplicate else ""
        why = "two rules have the same name and labels"
        number = document.line_of_value(name) or 1
        yield Fault(document.file, number, f"rule {name}".strip(), why, "Remove one, or give it another label")


def _rule_fault(document: Document, entry: str) -> Iterator[Fault]:
    position = _POSITION.match(entry)
    number, entry = (int(position[1]), position[3]) if position else (0, entry)
    rule = _RULE.search(entry)
    if rule is None:
        yield from yaml_message_faults(document, "rule file", entry)
        return
    within = _place(document, rule[1], int(rule[2]))
    why, action = reason(rule[4].replace(_PARSE, ""), "expression" if _PARSE in rule[4] else "rule")
    number = number or line_of(document, _entry_named(why), *within)
    if unknown := _FUNCTION.search(why):
        # The position of an expression of several lines is its first one.
        number = document.line_of_text(f"{unknown[1]}(", number) or number
    action = "Correct the template" if "template" in why else action
    what = f"rule {rule[3]}" if rule[3] else f"rule {rule[2]} of group {rule[1]}"
    yield Fault(document.file, number, what, why, action)


def reason(message: str, subject: str) -> tuple[str, str]:
    """Return why the parser of PromQL rejects a text, and the fix.

    Args:
        message: Message of promtool, which may start with line and column.
        subject: Word for the text, such as `query`.
    """
    position = _POSITION.match(message)
    where = f"{position[1]}, column {position[2]}" if position and position[1] != "1" else ""
    where = f"line {where} of the {subject}" if where else f"column {position[2]} of the {subject}" if position else ""
    why = f"{sentence(position[3])}, {where}" if position else sentence(message)
    unknown = _FUNCTION.search(message)
    return why, nearest(unknown[1], FUNCTIONS.split()) if unknown else f"Correct the {subject}"


def _entry_named(why: str) -> str:
    """Return the name of the annotation or label first, because its template has only its name in the message."""
    named = re.match(r'(?:annotation|label) "([^"]+)"', why)
    return f'"{named[1]}"' if named else why


def _place(document: Document, group: str, rule: int) -> tuple[str | int, ...]:
    numbers = range(len(document.sequence("groups")))
    found = [number for number in numbers if document.mapping("groups", number).get("name") == group]
    return ("groups", found[0], "rules", rule - 1) if found else ()


def _tests(tree: Tree, file: str) -> Iterator[Fault]:
    if syntax_faults(tree, file):
        raise NotCheckedError("it is not readable as YAML, correct it first")
    document = tree.document(file)
    yield from _names_in_tests(tree, document)
    answer = tree.run(PROMETHEUS, "promtool", ["test", "rules", str(document.path)])
    if answer.good:
        return
    _, _, message = answer.text.partition("FAILED:")
    for rules in tree.files(f"{FOLDER}/rules/*.yml"):
        if f"{tree.repository / rules}: " in message:
            raise NotCheckedError(f"{rules} is faulty, correct it first")
    if re.search(r"^\s*line \d+: ", message, re.MULTILINE):
        yield from yaml_message_faults(document, "test file", message.replace(f"{document.path}: ", "").strip())
        return
    named = re.search(r"alertname: ([^,\s]+)", message) or re.search(r'expr: "([^"]+)"', message)
    number = (document.line_of_value(named[1]) if named else None) or line_of(document, message)
    why = textwrap.shorten(sentence(message.replace(f"{document.path}: ", "")), _MAX_MESSAGE) or "the test fails"
    action = "Correct the rule, or the expected alerts of the test"
    yield Fault(file, number, f"test of {named[1]}" if named else "test", why, action)


def _names_in_tests(tree: Tree, document: Document) -> Iterator[Fault]:
    """Yield the rule files and alerts that do not exist, which promtool accepts: such a test can never fail."""
    for place, pattern in enumerate(document.sequence("rule_files")):
        if not any(document.path.parent.glob(str(pattern))):
            where = document.line("rule_files", place)
            yield Fault(document.file, where, f"rule file {pattern}", "it does not exist", "Correct the path")
    rules = tree.files(f"{FOLDER}/rules/*.yml")
    alerts = {
        name for file in rules for name in re.findall(r"^\s*-? ?alert: *(\w+)", tree.document(file).text, re.MULTILINE)
    }
    for number, line in enumerate(document.lines, start=1):
        named = re.search(r"\balertname: *[\"']?(\w+)[\"']?\s*(?:[,}].*)?$", line)
        if named and named[1] not in alerts and named[1] != "ALERTS":
            what, why = f"test of {named[1]}", "no rule file has this alert"
            yield Fault(document.file, number, what, why, nearest(named[1], alerts))


FUNCTIONS: Final = (
    "abs absent absent_over_time avg_over_time ceil changes clamp clamp_max clamp_min count_over_time delta deriv exp "
    "floor histogram_avg histogram_count histogram_fraction histogram_quantile histogram_sum idelta increase irate "
    "label_join label_replace last_over_time ln log10 log2 max_over_time min_over_time predict_linear "
    "present_over_time quantile_over_time rate resets round scalar sgn sort sort_desc sqrt stddev_over_time "
    "sum_over_time time timestamp vector"
)
"""Functions of PromQL, to find the most similar one."""
