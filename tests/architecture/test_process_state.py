"""State of the process belongs to ``runtime/``: other modules have no mutable globals and no exit or fork handlers."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.architecture.tree import SOURCE, modules, name_of, parsed

RUNTIME = SOURCE / "runtime"
OTHERS = [path for path in modules() if RUNTIME not in path.parents]
HOOKS = ("atexit.register", "os.register_at_fork", "register_at_fork")
CONTAINERS = ("dict", "list", "set", "deque", "defaultdict", "OrderedDict", "Counter", "Queue", "SimpleQueue", "count")
WEAK = ("WeakKeyDictionary", "WeakValueDictionary", "WeakSet")
PRIMITIVES = ("Lock", "RLock", "ForkLock", "Condition", "Event", "Semaphore", "BoundedSemaphore", "Thread", "Timer")
READ_ONLY = ("Mapping", "Sequence", "Collection", "Final[Mapping", "ExporterNames")
# Module and name of each exception → reason.
ALLOWED: Mapping[tuple[str, str], str] = {
    ("domain/entity.py", "_field_names"): "interned sets of names, which are equal in all processes",
    ("values/encoding.py", "_known_names"): "names that were checked; the result is the same in all processes",
}


def process_state(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, text) for each handler that is registered and each mutable global of a module."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=function) if ast.unparse(function) in HOOKS:
                yield node.lineno, ast.unparse(function)
            case ast.ImportFrom(module="atexit"):
                yield node.lineno, "atexit.register"
            case ast.Global(names=names):
                yield node.lineno, f"global {', '.join(names)}"
            case _:
                pass
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_mutable(value):
                yield statement.lineno, name
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
                if _is_mutable(value) and not ast.unparse(annotation).startswith(READ_ONLY):
                    yield statement.lineno, name
            case _:
                pass


def _is_mutable(value: ast.expr) -> bool:
    """Return whether the value is an empty container or a synchronization primitive."""
    match value:
        case ast.Dict(keys=[]) | ast.List(elts=[]):
            return True
        case ast.Call(func=function, args=arguments):
            name = ast.unparse(function).partition("[")[0].rpartition(".")[2]
            return name in WEAK + PRIMITIVES or (name in CONTAINERS and not arguments)
        case _:
            return False


@pytest.mark.parametrize("path", OTHERS, ids=name_of)
def test_only_runtime_has_process_state(path: Path) -> None:
    module = str(path.relative_to(SOURCE))
    assert [
        f"{name_of(path)}:{line}: {text} → keep it in runtime/, or in an object of current_runtime()"
        for line, text in process_state(parsed(path))
        if (module, text) not in ALLOWED
    ] == []


@pytest.mark.parametrize(("module", "name"), ALLOWED)
def test_each_exception_is_needed(module: str, name: str) -> None:
    assert name in [text for _, text in process_state(parsed(SOURCE / module))]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import atexit\natexit.register(print)", "atexit.register"),
        ("from atexit import register\nregister(print)", "atexit.register"),
        ("def f():\n    os.register_at_fork(before=print)", "os.register_at_fork"),
        ("_cache = {}", "_cache"),
        ("_cache: Final[dict[str, int]] = {}", "_cache"),
        ("_items: list[int] = []", "_items"),
        ("_lock = threading.Lock()", "_lock"),
        ("_numbers = itertools.count()", "_numbers"),
        ("_entries: Final[WeakKeyDictionary[A, B]] = WeakKeyDictionary()", "_entries"),
        ("def f():\n    global state\n    state = 1", "global state"),
    ],
)
def test_process_state_is_found(source: str, found: str) -> None:
    assert [text for _, text in process_state(ast.parse(source))] == [found]


@pytest.mark.parametrize(
    "source",
    [
        "NAMES = {'a': 1}",
        "NONE: Mapping[str, int] = {}",
        "KINDS = set(('a', 'b'))",
        "def f():\n    found = []\n    lock = Lock()",
        "_logger = logging.getLogger('a')",
        "_state: ContextVar[int] = ContextVar('a', default=0)",
    ],
)
def test_constants_and_locals_are_accepted(source: str) -> None:
    assert list(process_state(ast.parse(source))) == []
