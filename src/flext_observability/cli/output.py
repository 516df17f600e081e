"""Generated text → a file, standard output, or a comparison with a file; failures → standard error."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flext_observability.domain.result import FlextResult


def deliver(result: FlextResult[str], output: Path | None, check: Path | None, command: str) -> int:
    """Write or compare the text; return the exit code.

    Args:
        result: The text, or a failure.
        output: File to write; None for standard output.
        check: File to compare with, instead of writing; None to write.
        command: Name of the command, for messages.
    """
    if result.is_failure:
        print(result.error, file=sys.stderr)
        return 1
    text = result.unwrap()
    try:
        if check is not None:
            return _compare(text, check, command)
        if output is None:
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            output.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"Writing failed: {error}. Choose another file.", file=sys.stderr)
        return 1
    return 0


def _compare(text: str, check: Path, command: str) -> int:
    try:
        found = check.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"{check} cannot be read: {error}. Write it with the option -o.", file=sys.stderr)
        return 1
    if found == text:
        return 0
    diff = difflib.unified_diff(found.splitlines(), text.splitlines(), str(check), "generated", lineterm="")
    print("\n".join(diff))
    print(f"{check} differs from the program. Write it again with the command {command} -o {check}.", file=sys.stderr)
    return 1
