"""Alertmanager file and templates → faults of amtool, undefined templates, missing secret files, wrong routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from monitoring.native.parts import ALERTMANAGER
from monitoring.validation.check import Check
from monitoring.validation.documents import Document
from monitoring.validation.faults import Fault, NotCheckedError
from monitoring.validation.messages import line_of, sentence
from monitoring.validation.prometheus import yaml_message_faults
from monitoring.validation.syntax import syntax_faults
from monitoring.validation.tree import Tree, nearest

FOLDER: Final = "monitoring/alertmanager"
CONFIGURATION: Final = f"{FOLDER}/alertmanager.yml"
EXAMPLES: Final = f"{FOLDER}/receivers-examples.yml"
ROUTING_TESTS: Final = f"{FOLDER}/routing-tests.yml"
SECRETS: Final = "monitoring/secrets"

_TEMPLATE_FAULT = re.compile(r"template: ([^:]+):(\d+)(?::\d+)?: (.*)")
_UNDEFINED = re.compile(r'undefined (receiver|time interval) "([^"]+)" used in route')
_DEFINED = re.compile(r"{{-?\s*define\s+\"([^\"]+)\"")
_USED = re.compile(r"{{-?\s*template\s+\"([^\"]+)\"")
_BUILT_IN = re.compile(
    r"^(__|default\.|slack\.|email\.|pagerduty\.|opsgenie\.|wechat\.|victorops\.|pushover\.|sns\.|"
    r"telegram\.|discord\.|webex\.|msteams\.|msteamsv2\.|jira\.|rocketchat\.|mattermost\.)"
)


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of the configuration, of what it uses, of the example receivers, and of the routes."""
    yield Check(f"{CONFIGURATION} and its templates", partial(_faults, tree, CONFIGURATION))
    yield Check("templates and files that the notifications use", partial(_used, tree))
    yield Check(EXAMPLES, partial(_faults, tree, EXAMPLES))
    yield Check(f"{ROUTING_TESTS}: each alert reaches its receiver", partial(_routes, tree))


def _document(tree: Tree, file: str = CONFIGURATION) -> Document:
    if syntax_faults(tree, file):
        raise NotCheckedError(f"{file} is not readable as YAML, correct it first")
    return tree.document(file)


def _faults(tree: Tree, file: str) -> Iterator[Fault]:
    document = _document(tree, file)
    answer = tree.run(ALERTMANAGER, "amtool", ["check-config", str(document.path)])
    if answer.good:
        return
    message = answer.text.rpartition("FAILED:")[2].partition("amtool: error:")[0].strip()
    if in_template := _TEMPLATE_FAULT.search(message):
        yield _in_template(tree, document, in_template)
    elif undefined := _UNDEFINED.search(message):
        yield _undefined(document, undefined)
    elif (matcher := message.rpartition("bad matcher format: ")[2]) != message:
        number = document.line_of_text(matcher) or document.line("route")
        action = 'Write NAME="VALUE", with one of =, !=, =~, !~'
        yield Fault(file, number, "matcher", f"bad format: {matcher}", action)
    else:
        yield from yaml_message_faults(document, "configuration", message)


def _in_template(tree: Tree, document: Document, match: re.Match[str]) -> Fault:
    """Return the fault in the template file, or in the configuration if the message names no file."""
    file = next((name for name in tree.files(f"{FOLDER}/**/*.tmpl") if Path(name).name == match[1]), "")
    place, number = (file, int(match[2])) if file else (document.file, line_of(document, match[0]))
    return Fault(place, number, "template", sentence(match[3]), "Correct the template")


def _undefined(document: Document, match: re.Match[str]) -> Fault:
    section = "receivers" if match[1] == "receiver" else "time_intervals"
    names = [str(document.mapping(section, number).get("name")) for number in range(len(document.sequence(section)))]
    number = document.line_of_value(match[2], "route") or document.line("route")
    why = f"{section} does not define it, but a route uses it"
    return Fault(document.file, number, f'{match[1]} "{match[2]}"', why, nearest(match[2], names))


def _routes(tree: Tree) -> Iterator[Fault]:
    """Yield a fault for each case whose alert reaches another receiver."""
    configuration, document = _document(tree), _document(tree, ROUTING_TESTS)
    if not tree.run(ALERTMANAGER, "amtool", ["check-config", str(configuration.path)]).good:
        raise NotCheckedError(f"{CONFIGURATION} or a template is faulty, correct it first")
    for place, _ in enumerate(document.sequence("cases")):
        case = document.mapping("cases", place)
        labels = [f"{name}={value}" for name, value in document.mapping("cases", place, "labels").items()]
        words = ["config", "routes", "test", f"--config.file={configuration.path}", *labels]
        answer = tree.run(ALERTMANAGER, "amtool", words)
        if answer.text.strip() != str(case.get("receiver")):
            line = document.line("cases", place)
            why = f"it reaches {sentence(answer.text.strip())} instead of {case.get('receiver')}"
            yield Fault(ROUTING_TESTS, line, f"alert {{{', '.join(labels)}}}", why, "Correct the routes or the case")


def _used(tree: Tree) -> Iterator[Fault]:
    document = _document(tree)
    texts = {file: tree.document(file) for file in tree.files(f"{FOLDER}/**/*.tmpl")}
    defined = [name for one in texts.values() for name in _DEFINED.findall(one.text)]
    for one in (document, *texts.values()):
        for number, line in enumerate(one.lines, start=1):
            for name in _USED.findall("" if line.lstrip().startswith("#") else line):
                if name not in defined and not _BUILT_IN.match(name):
                    why = "no template file defines it, so that the notification would fail"
                    yield Fault(one.file, number, f'template "{name}"', why, nearest(name, defined))
    yield from _files(tree, document)


def _files(tree: Tree, document: Document) -> Iterator[Fault]:
    """Yield a fault for each template pattern without a file, and for each file of a credential that cannot exist."""
    folder = tree.repository / FOLDER
    for place, pattern in enumerate(document.sequence("templates")):
        if not any(folder.glob(str(pattern))):
            why = "no file has this name"
            line = document.line("templates", place)
            known = [str(Path(file).relative_to(FOLDER)) for file in tree.files(f"{FOLDER}/**/*.tmpl")]
            yield Fault(
                CONFIGURATION,
                line,
                f"templates {pattern}",
                why,
                nearest(str(pattern), known),
            )
    for number, text in enumerate(document.lines, start=1):
        found = re.search(r"^\s*-?\s*\w+_file:\s*[\"']?([^\"'#\s]+)", text)
        if found and not (folder / found[1]).is_file():
            secret = (folder / found[1]).resolve().parent == (tree.repository / SECRETS).resolve()
            action = "Run `make observability-init`" if secret else "Correct the path"
            yield Fault(CONFIGURATION, number, f"file {found[1]}", "it does not exist", action)
