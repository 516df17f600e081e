"""Find pydantic v1 idioms in Python files, with their v2 replacements. The exit code is 1 if there are any."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = {
    "validator": "field_validator",
    "root_validator": "model_validator",
    "parse_obj_as": "TypeAdapter(…).validate_python",
    "parse_raw_as": "TypeAdapter(…).validate_json",
    "BaseSettings": "pydantic_settings.BaseSettings",
    "validate_arguments": "validate_call",
    "Extra": 'ConfigDict(extra="…")',
    "GenericModel": "BaseModel with Generic",
    "create_model_from_typeddict": "TypeAdapter",
}
MODULES = ("pydantic.v1", "pydantic.generics", "pydantic.class_validators", "pydantic.error_wrappers")
METHODS = {
    "parse_obj": "model_validate",
    "parse_raw": "model_validate_json",
    "from_orm": "model_validate with from_attributes",
    "schema_json": "json.dumps(model_json_schema())",
    "update_forward_refs": "model_rebuild",
    "__fields__": "model_fields",
    "__fields_set__": "model_fields_set",
}
MODEL_METHODS = {"dict": "model_dump", "json": "model_dump_json", "copy": "model_copy", "construct": "model_construct"}
FIELD_ARGUMENTS = {
    "const": "Literal",
    "regex": "pattern",
    "min_items": "min_length",
    "max_items": "max_length",
    "env": "-",
}


def findings(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, replacement) for each pydantic v1 idiom in ``source``."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom() | ast.Import():
                yield from _in_import(node)
            case ast.Attribute():
                yield from _in_attribute(node)
            case ast.Call(func=ast.Name(id="Field"), keywords=keywords):
                for keyword in keywords:
                    if keyword.arg in FIELD_ARGUMENTS:
                        yield node.lineno, f"Field({keyword.arg}=…): use {FIELD_ARGUMENTS[keyword.arg]}"
            case ast.ClassDef() if _is_model(node):
                yield from _in_model(node)
            case _:
                pass


def _in_import(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[int, str]]:
    module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        dotted = f"{module}.{alias.name}" if module else alias.name
        if dotted.startswith(MODULES):
            yield node.lineno, f"{dotted} is pydantic v1"
        elif module == "pydantic" and alias.name in NAMES:
            yield node.lineno, f"{alias.name}: use {NAMES[alias.name]}"


def _in_attribute(node: ast.Attribute) -> Iterator[tuple[int, str]]:
    if node.attr in METHODS:
        yield node.lineno, f".{node.attr}: use {METHODS[node.attr]}"
    elif node.attr in NAMES and isinstance(node.value, ast.Name) and node.value.id == "pydantic":
        yield node.lineno, f"pydantic.{node.attr}: use {NAMES[node.attr]}"


def _is_model(node: ast.ClassDef) -> bool:
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    return bool(bases & {"BaseModel", "Entity", "RootModel"}) or any(base.startswith("Flext") for base in bases)


def _in_model(model: ast.ClassDef) -> Iterator[tuple[int, str]]:
    for node in ast.walk(model):
        match node:
            case ast.ClassDef(name="Config"):
                yield node.lineno, "class Config: use model_config = ConfigDict(…)"
            case ast.Assign(targets=[ast.Name(id="__root__")]) | ast.AnnAssign(target=ast.Name(id="__root__")):
                yield node.lineno, "__root__: use RootModel"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=attr)) if attr in MODEL_METHODS:
                yield node.lineno, f"self.{attr}(): use {MODEL_METHODS[attr]}"
            case _:
                pass


def main(folders: list[str]) -> int:
    """Print the findings in the folders. Return 1 if there are any."""
    count = files = 0
    for path in sorted(path for folder in folders for path in Path(folder).rglob("*.py")):
        files += 1
        for line, advice in findings(path.read_text(encoding="utf-8")):
            print(f"{path}:{line}: {advice}")
            count += 1
    print(f"audit-pydantic-v2: {count} idioms of pydantic v1 in {files} files")
    return 1 if count or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
