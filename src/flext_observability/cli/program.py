"""Name of a module or a file → the imported module, and the alert rules in it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final, cast

from flext_observability.domain.alert_rule import FlextAlertRule
from flext_observability.domain.declaration import suggest
from flext_observability.domain.result import FlextResult
from flext_observability.values.dataclass import dataclass
from flext_observability.values.encoding import preview
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

_MAIN_FIX: Final = "Put what runs the program under: if __name__ == '__main__'"


@dataclass(frozen=True, slots=True)
class Loaded:
    """An imported program.

    Attributes:
        rules: Its alert rules: those of the name, else those of the module; then those that it added to the service.
    """

    rules: tuple[FlextAlertRule, ...]


def load(program: str) -> FlextResult[Loaded]:
    """Import a program and find its rules.

    Returns:
        The program, or the failure ``invalid_program``.
    """
    place, _, attribute = program.rpartition(":") if ":" in program else (program, "", "")
    try:
        module = _from_file(Path(place)) if _is_file(place) else _from_name(place)
        return _named(module, attribute).map(_with_rules)
    except SystemExit as error:
        return _failure(place, f"it ended with sys.exit({error.code})", _MAIN_FIX)
    except BaseException as error:  # noqa: BLE001 - the program may raise anything
        reraise_interrupt(error)
        return _failure(place, f"{describe_error(error)}{_location(error)}", _fix(error, place))


def _is_file(place: str) -> bool:
    return place.endswith(".py") or os.sep in place


def _from_name(name: str) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))
    sys.argv = [name]
    return import_module(name)


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    sys.path[:0] = [str(path.resolve().parent), str(Path.cwd())]
    sys.argv = [str(path)]
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = sys.modules[path.stem] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _named(module: ModuleType, attribute: str) -> FlextResult[object]:
    """Return the attribute, called if it is a function; the module without a name."""
    if not attribute:
        return FlextResult.ok(module)
    if not hasattr(module, attribute):
        fix = suggest(attribute, (name for name in vars(module) if not name.startswith("_"))) or "Correct the name"
        message = f"The module {module.__name__} has no {preview(attribute)}"
        return FlextResult[object].fail(message, code="invalid_program", fix=fix)
    found: object = getattr(module, attribute)
    return FlextResult[object].ok(found() if callable(found) else found)


def _with_rules(found: object) -> Loaded:
    from flext_observability.api.start import get_observability

    own = vars(found).values() if isinstance(found, ModuleType) else (found,)
    added = get_observability().flat_map(lambda active: active.alerts.rules()).unwrap_or(())
    rules: list[FlextAlertRule] = []
    for rule in (*(rule for value in own for rule in _rules_in(value)), *added):
        if rule not in rules:
            rules.append(rule)
    return Loaded(tuple(rules))


def _rules_in(value: object) -> Iterable[FlextAlertRule]:
    """Return the rules of a rule, a monitor, or a collection of either."""
    from flext_observability.api.monitor import FlextObservabilityMonitor

    if isinstance(value, FlextAlertRule):
        return (value,)
    if isinstance(value, FlextObservabilityMonitor):
        return value.rules
    if isinstance(value, Mapping):
        value = tuple(cast("Mapping[object, object]", value).values())
    if isinstance(value, list | tuple | set | frozenset):
        found = [each for each in cast("Iterable[object]", value) if isinstance(each, FlextAlertRule)]
        return found if isinstance(value, list | tuple) else sorted(found, key=lambda rule: str(rule.name))
    return ()


def _failure(place: str, why: str, fix: str) -> FlextResult[Loaded]:
    return FlextResult[Loaded].fail(f"Importing {preview(place)} failed: {why}", code="invalid_program", fix=fix)


def _location(error: BaseException) -> str:
    """Return the last line of the program in a traceback, in parentheses."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not _is_ours(each.filename)]
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""


def _is_ours(filename: str) -> bool:
    return filename == __file__ or filename.startswith("<frozen ") or "importlib" in filename


def _fix(error: BaseException, place: str) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and place.startswith(error.name):
        return "Run the command in the folder of the program, or give the path of its file"
    if isinstance(error, FileNotFoundError):
        return "Give a module or the path of its file"
    return "Correct the program; it must be importable without arguments and without its environment"
