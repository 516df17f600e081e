"""Repository under check: its files, the programs that read them, and a scratch folder."""

from __future__ import annotations

import difflib
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from monitoring.native.parts import Part
from monitoring.native.places import Places, StackError
from monitoring.validation.documents import Document
from monitoring.validation.faults import Fault, NotCheckedError

_TIMEOUT_SECONDS: Final = 120


class UnreadableError(Exception):
    """A file that a check needs cannot be read."""

    def __init__(self, fault: Fault) -> None:
        """Keep the fault, which names the file and the fix."""
        super().__init__(str(fault))
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Answer:
    """Exit code and output of a program."""

    code: int
    text: str

    @property
    def good(self) -> bool:
        """Return whether the program found no fault."""
        return self.code == 0


@dataclass(frozen=True, slots=True)
class Tree:
    """Input of all checks. Thread-safe: two threads may read the same file twice."""

    places: Places
    """The stack of this user, for its ports."""
    scratch: Places
    """The same with a scratch folder as state, so that a check cannot change a running stack."""
    _documents: dict[str, Document] = field(default_factory=dict[str, Document])

    @property
    def repository(self) -> Path:
        """Return the folder of the repository."""
        return self.places.repository

    def name(self, path: Path) -> str:
        """Return a path relative to the repository."""
        return str(path.relative_to(self.repository)) if path.is_relative_to(self.repository) else str(path)

    def files(self, *patterns: str) -> tuple[str, ...]:
        """Return the files that match patterns, relative to the repository and in order."""
        found = {self.name(path) for pattern in patterns for path in self.repository.glob(pattern)}
        return tuple(sorted(found))

    def document(self, file: str) -> Document:
        """Return a file.

        Raises:
            UnreadableError: The file is missing, not readable, or not UTF-8.
        """
        if file not in self._documents:
            path = self.repository / file
            self._documents[file] = Document(file, path, _read(file, path))
        return self._documents[file]

    def fill(self, part: Part, template: str) -> str:
        """Return a template of the table of parts with its placeholders replaced, with the scratch folder as state.

        Raises:
            NotCheckedError: The folder of the binaries is unknown, because the recipe of a build is missing.
        """
        try:
            return self.scratch.fill(part, template)
        except OSError as error:
            raise NotCheckedError(f"{error.filename} cannot be read ({error.strerror}), restore it first") from error

    def program(self, part: Part, name: str) -> Path:
        """Return the path of an installed program.

        Raises:
            NotCheckedError: The program is not installed.
        """
        try:
            program = self.places.program(part, name)
        except (StackError, OSError) as error:
            raise NotCheckedError(f"{name} cannot be found: {error}") from error
        if not program.is_file():
            raise NotCheckedError(f"{name} is not installed, run `make stack-install`")
        if not os.access(program, os.X_OK):
            raise NotCheckedError(f"{program} is not executable, delete its folder and run `make stack-install`")
        return program

    def run(
        self,
        part: Part,
        name: str,
        words: Sequence[str],
        *,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Answer:
        """Run a program to its end.

        Raises:
            NotCheckedError: The program is not installed, does not start, or does not end.
        """
        argv = [str(self.program(part, name)), *words]
        # A host name is an ordinary variable of shells and containers, which a scheduler may not set.
        environment = {"HOSTNAME": "check"} | dict(os.environ) | dict(variables or {})
        try:
            done = subprocess.run(
                argv,
                cwd=folder or self.scratch.state,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_TIMEOUT_SECONDS,
            )
        except OSError as error:
            raise NotCheckedError(
                f"{argv[0]} does not start ({error.strerror}), delete its folder and run `make stack-install`"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise NotCheckedError(f"{name} did not end within {_TIMEOUT_SECONDS} s, run this check again") from error
        return Answer(done.returncode, done.stdout + done.stderr)


def nearest(name: str, known: Iterable[str], *, otherwise: str = "Correct the name") -> str:
    """Return the action for an unknown name: the most similar known one, or all."""
    names = sorted(set(known))
    similar = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if similar:
        return f'Use "{similar[0]}"'
    return f"Use one of: {', '.join(names)}" if names else otherwise


def _read(file: str, path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UnreadableError(
            Fault(file, 1, "file", "it does not exist", f"Restore it: git checkout -- {file}")
        ) from error
    except PermissionError as error:
        raise UnreadableError(
            Fault(file, 1, "file", "this user cannot read it", f"Permit it: chmod u+r {file}")
        ) from error
    except OSError as error:
        action = f"Replace it by the file of the repository: git checkout -- {file}"
        raise UnreadableError(Fault(file, 1, "file", f"cannot be read, {error.strerror}", action)) from error
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        why = f"byte 0x{content[error.start]:02x} is not valid UTF-8"
        raise UnreadableError(Fault(file, line, "text", why, "Save the file as UTF-8")) from error
