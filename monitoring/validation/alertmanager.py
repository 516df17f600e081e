"""Alertmanager file and templates → faults found by amtool, undefined templates, missing secret files, wrong routes."""

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
_DEFINED = re.compile(r"{{-?\s*define\s+\"([^\"]+)\"")
_USED = re.compile(r"{{-?\s*template\s+\"([^\"]+)\"")
_BUILT_IN = re.compile(
    r"^(__|default\.|slack\.|email\.|pagerduty\.|opsgenie\.|wechat\.|victorops\.|pushover\.|sns\.|"
    r"telegram\.|discord\.|webex\.|msteams\.|msteamsv2\.|jira\.|rocketchat\.|mattermost\.)"
)


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of the configuration, one of its templates and files, and one of its routes if they have tests."""
    yield Check(f"{CONFIGURATION} and its templates", partial(_configuration, tree))
    yield Check("templates and files that the notifications use", partial(_used, tree))
    yield Check(f"{EXAMPLES}", partial(_examples, tree))
    yield Check(f"{ROUTING_TESTS}: each alert reaches its receiver", partial(_routes, tree))


def _document(tree: Tree) -> Document:
    if syntax_faults(tree, CONFIGURATION):
        raise NotCheckedError(f"{CONFIGURATION} is not readable as YAML, correct it first")
    return tree.document(CONFIGURATION)


def _configuration(tree: Tree) -> Iterator[Fault]:
    document = _document(tree)
    answer = tree.run(ALERTMANAGER, "amtool", ["check-config", str(document.path)])
    if answer.good:
        return
    message = answer.text.rpartition("FAILED:")[2].partition("amtool: error:")[0].strip()
    if in_template := _TEMPLATE_FAULT.search(message):
        file = next((name for name in tree.files(f"{FOLDER}/**/*.tmpl") if Path(name).name == in_template[1]), "")
        why = sentence(in_template[3])
        place, number = (file, int(in_template[2])) if file else (CONFIGURATION, line_of(document, message))
        yield Fault(place, number, "template", why, "Correct the template")
        return
    undefined = re.search(r'undefined (receiver|time interval) "([^"]+)" used in route', message)
    if undefined:
        section = "receivers" if undefined[1] == "receiver" else "time_intervals"
        names = [str(document.mapping(section, n).get("name")) for n in range(len(document.sequence(section)))]
        why = f"{section} does not define it, but a route uses it"
        used = document.line_of_value(undefined[2], "route") or document.line("route")
        yield Fault(CONFIGURATION, used, f'{undefined[1]} "{undefined[2]}"', why, nearest(undefined[2], names))
        return
    matcher = message.rpartition("bad matcher format: ")[2]
    found = document.line_of_text(matcher) if matcher != message else None
    if found:
        action = 'Write NAME="VALUE", with one of =, !=, =~, !~'
        yield Fault(CONFIGURATION, found, "matcher", f"bad format: {matcher}", action)
        return
    yield from yaml_message_faults(document, "configuration", message)


def _examples(tree: Tree) -> Iterator[Fault]:
    document = tree.document(EXAMPLES)
    answer = tree.run(ALERTMANAGER, "amtool", ["check-config", str(document.path)])
    if not answer.good:
        message = answer.text.rpartition("FAILED:")[2].partition("amtool: error:")[0].strip()
        yield from yaml_message_faults(document, "configuration", message)


def _routes(tree: Tree) -> Iterator[Fault]:
    """Yield a fault for each case whose alert reaches another receiver."""
    configuration = _document(tree)
    if not tree.run(ALERTMANAGER, "amtool", ["check-config", str(configuration.path)]).good:
        raise NotCheckedError(f"{CONFIGURATION} is not valid, correct it first")
    document = tree.document(ROUTING_TESTS)
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
