"""Names and prose use the field's terms: no word of the tables below occurs in them."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, modules, name_of, text_files

# Word of an identifier → replacement. Words joined by "_" are a sequence of words.
NAMES: Mapping[str, str] = {
    "amid": "while, during",
    "anew": "again",
    "anybody": "any caller",
    "begin_again": "reinit_after_fork",
    "begins_again": "reinit_after_fork",
    "begun_again": "reinit_after_fork",
    "board": "console",
    "book": "registry",
    "by_hand": "registered, manually",
    "circle": "cycle",
    "circles": "cycles",
    "crowded": "at_capacity",
    "desk": "lifecycle",
    "door": "page, endpoint",
    "doors": "pages, endpoints",
    "forget": "remove, evict",
    "forgets": "removes, evicts",
    "forgetting": "removing, evicting",
    "forgot": "removed, evicted",
    "forgotten": "removed, evicted",
    "gave_up": "dropped, timed_out",
    "give_up": "drop, time_out",
    "given_up": "dropped, timed_out",
    "gives_up": "drops, times_out",
    "heard": "received, notified",
    "hears": "receives",
    "hurried": "drained",
    "hurry": "begin_drain",
    "last_moments": "exit",
    "least": "min",
    "let_go": "release, close",
    "letter": "character, notification",
    "letters": "characters, notifications",
    "lineage": "process_name",
    "longest": "max",
    "look": "evaluate, check",
    "looked": "evaluated, checked",
    "looking": "evaluating, checking",
    "looks": "evaluates, checks",
    "mailbox": "work_queue",
    "mend": "correct, fix",
    "mended": "corrected, fixed",
    "mends": "corrects, fixes",
    "mishap": "internal_error",
    "mishaps": "internal_errors",
    "news": "transition, notification",
    "nobody": "no one, none",
    "nonsense": "invalid_result",
    "odd": "invalid, unexpected",
    "oddly": "unexpectedly",
    "refusal": "rejection",
    "refusals": "rejections",
    "rooms": "packages",
    "said": "detail, logged",
    "say": "log, print",
    "saying": "logging",
    "says": "logs, reports",
    "seat": "global_provider",
    "seats": "global_providers",
    "shelf": "registry",
    "shelves": "registries",
    "somebody": "another process, a user",
    "stranger": "client",
    "strangers": "clients",
    "take": "accept, update, process",
    "taken": "accepted, in_use",
    "takes": "accepts, updates",
    "taking": "accepting, updating",
    "tell": "notify, log",
    "telling": "notifying, logging",
    "tells": "notifies, logs",
    "told": "notified, logged",
    "took": "accepted, duration",
    "trouble": "failure",
    "warm_up": "fork_barrier",
    "verb": "function, method",
    "verbs": "functions, methods",
    "whatever": "any",
    "whoever": "caller",
}

# Word or phrase of docstrings, comments and pages → replacement.
PROSE: Mapping[str, str] = {
    "amid": "during",
    "anew": "again",
    "anybody": "any caller",
    "at the most": "at most",
    "be it": "either … or",
    "begin again": "reinitialise, restart",
    "begins again": "reinitialises, restarts",
    "by half": "partly",
    "by hand": "manually, yourself",
    "desk": "life cycle",
    "for ever": "without end",
    "forget": "remove, delete",
    "forgets": "removes, discards",
    "forgotten": "removed, discarded",
    "give up": "drop, stop",
    "given up": "dropped, stopped",
    "gives up": "drops, stops",
    "hurry": "drain",
    "is no such": "does not exist",
    "knows no": "has no",
    "last moments": "exit",
    "likewise": "also",
    "lineage": "process name",
    "look after": "check",
    "looks after": "checks",
    "mailbox": "work queue",
    "mend": "correct, fix",
    "mended": "corrected, fixed",
    "mends": "corrects, fixes",
    "mishap": "internal error",
    "mishaps": "internal errors",
    "no matter": "for any",
    "nobody": "no caller, no process",
    "nonsense": "an invalid value",
    "odd": "invalid, unexpected, unusual",
    "of its own making": "its own",
    "seat": "global provider",
    "seats": "global providers",
    "shelf": "registry",
    "shelves": "registries",
    "somebody": "a user, another process",
    "tell": "notify, return, show",
    "tells": "notifies, returns, shows",
    "told": "notified, configured",
    "under way": "running",
    "verb": "function, method",
    "verbs": "functions, methods",
    "warm-up": "fork barrier",
    "whatever": "any",
    "whoever": "the caller",
}

FOLDERS = ("src", "tests", "scripts", "monitoring", "examples", "benchmarks")
SUFFIXES = {".py", ".md", ".toml", ".yaml", ".yml", ".sh"}
FILES = [path for path in text_files() if path != Path(__file__)]
MODULES = [path for path in FILES if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in FOLDERS]
TEXTS = [path for path in FILES if path.suffix in SUFFIXES - {".py"} or path.name == "Makefile"]

_NAME = re.compile("(?<=_)(?:" + "|".join(sorted(NAMES, key=len, reverse=True)) + ")(?=_)")
_PROSE = re.compile(r"\b(?:" + "|".join(sorted(PROSE, key=len, reverse=True)) + r")\b", re.IGNORECASE)


def words_in_names(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield (line, name, word) for each word of the table in a name that the source defines or passes."""
    for node in ast.walk(ast.parse(source)):
        if name := _defined(node):
            snake_case = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
            for word in _NAME.findall(f"_{snake_case}_"):
                yield getattr(node, "lineno", 1), name, word


def _defined(node: ast.AST) -> str:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.arg(arg=name) | ast.keyword(arg=str(name)) | ast.alias(asname=str(name)) | ast.MatchAs(name=str(name)):
            return name
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            return name
        case _:
            return ""


def words_in_messages(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, word) for each word of the table in the texts of a module, such as messages and docstrings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from words_in_text(node.value, node.lineno)


def words_in_prose(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, word) for each word of the table in the docstrings and comments of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from words_in_text(node.value.value, node.lineno)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield from words_in_text(token.string, token.start[0])


def words_in_text(text: str, first_line: int = 1) -> Iterator[tuple[int, str]]:
    """Yield (line, word) for each word of the table in a text."""
    for number, line in enumerate(text.splitlines(), start=first_line):
        for word in _PROSE.findall(line):
            yield number, word.lower()


def test_names_have_no_banned_word() -> None:
    assert [
        f"{name_of(path)}:{line} {name}: {word} → {NAMES[word]}"
        for path in MODULES
        for line, name, word in words_in_names(path.read_text(encoding="utf-8"))
    ] == []


def test_docstrings_and_comments_have_no_banned_word() -> None:
    assert [
        f"{name_of(path)}:{line}: {word} → {PROSE[word]}"
        for path in MODULES
        for line, word in words_in_prose(path.read_text(encoding="utf-8"))
    ] == []


def test_messages_of_the_package_have_no_banned_word() -> None:
    assert [
        f"{name_of(path)}:{line}: {word} → {PROSE[word]}"
        for path in modules()
        for line, word in words_in_messages(path.read_text(encoding="utf-8"))
    ] == []


def test_pages_and_configuration_have_no_banned_word() -> None:
    assert [
        f"{name_of(path)}:{line}: {word} → {PROSE[word]}"
        for path in TEXTS
        for line, word in words_in_text(path.read_text(encoding="utf-8"))
    ] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def tell(): ...", "tell"),
        ("class AlertDesk: ...", "desk"),
        ("def f(odd): ...", "odd"),
        ("f(told=1)", "told"),
        ("LONGEST_NAME = 1", "longest"),
        ("self._mailbox = 1", "mailbox"),
        ("import queue as mailbox", "mailbox"),
        ("def begin_again_in_child(): ...", "begin_again"),
        ("def test_it_gives_up(): ...", "gives_up"),
        ("match x:\n    case nobody: ...", "nobody"),
    ],
)
def test_a_banned_word_in_a_name_is_found(source: str, found: str) -> None:
    assert [word for _, _, word in words_in_names(source)] == [found]


@pytest.mark.parametrize("source", ["keyboard = 1", "def foretell(): ...", "def give(up): ...", "x.tell()", "taken"])
def test_other_names_are_accepted(source: str) -> None:
    assert list(words_in_names(source)) == []


@pytest.mark.parametrize(
    ("source", "line", "word"),
    [
        ('"""First.\n\nNobody waits.\n"""', 3, "nobody"),
        ("x = 1  # whatever it is", 1, "whatever"),
        ('x = 1\n"""Told by hand."""', 2, "told"),
    ],
)
def test_a_banned_word_in_prose_is_found(source: str, line: int, word: str) -> None:
    assert (line, word) in list(words_in_prose(source))


def test_a_banned_word_in_a_message_is_found() -> None:
    source = 'name = "x"\nmessage = f"nobody has {name}"'
    assert list(words_in_messages(source)) == [(2, "nobody")]
    assert list(words_in_prose(source)) == []
