"""A `docker` program for tests: it records its arguments and answers as Docker Compose does."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = """#!{python}
import json, os, pathlib, sys
folder = pathlib.Path({folder!r})
with (folder / "calls").open("a") as calls:
    print(json.dumps(sys.argv[1:]), file=calls)
(folder / "overlays").write_text(os.environ.get("COLLECTOR_OVERLAY_ARGUMENTS", ""))
words = sys.argv[1:]
name = words[0] if words[0] != "compose" else next(w for w in words[1:] if w not in ("--file",) and "/" not in w)
rule = json.loads((folder / "answers").read_text()).get(name, [0, "", ""])
sys.stdout.write(rule[1])
sys.stderr.write(rule[2])
sys.exit(rule[0])
"""


@dataclass(frozen=True, slots=True)
class FakeDocker:
    """The program, its answers and its recorded calls."""

    folder: Path

    @property
    def path(self) -> str:
        """Return a PATH with the program first."""
        return f"{self.folder}:{os.environ['PATH']}"

    def answer(self, command: str, *, code: int = 0, output: str = "", error: str = "") -> None:
        """Set the answer of `docker COMMAND` or `docker compose … COMMAND`."""
        file = self.folder / "answers"
        rules = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(rules | {command: [code, output, error]}), encoding="utf-8")

    def calls(self, command: str) -> list[list[str]]:
        """Return the arguments after COMMAND of each call of `docker compose … COMMAND`."""
        file = self.folder / "calls"
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
        return [words[words.index(command) + 1 :] for words in lines if words[0] == "compose" and command in words]


def make_fake_docker(folder: Path) -> FakeDocker:
    """Write the program. Every command succeeds without output until `answer` sets another result."""
    folder.mkdir()
    program = folder / "docker"
    program.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)), encoding="utf-8")
    program.chmod(0o755)
    (folder / "answers").write_text("{}", encoding="utf-8")
    docker = FakeDocker(folder)
    docker.answer("version", output="Docker Compose version v2.40.3\n")
    return docker
