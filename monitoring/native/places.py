"""Folders and addresses of one stack, from environment variables."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from monitoring.native.parts import Build, Part, running_parts

REPOSITORY: Final = Path(__file__).resolve().parents[2]
LOOPBACK: Final = "127.0.0.1"


class StackError(Exception):
    """Failure of a command, with a message and a fix for the user."""


@dataclass(frozen=True, slots=True)
class Places:
    """Folders and addresses of one stack. Two stacks need different state folders and port offsets."""

    cache: Path
    state: Path
    port_offset: int = 0
    repository: Path = REPOSITORY

    @property
    def secrets(self) -> Path:
        """Return the folder of the secrets, which `make observability-init` makes."""
        return self.repository / "monitoring" / "secrets"

    def binaries(self, part: Part) -> Path:
        """Return the folder of the part's binaries. Its name depends on the build recipe."""
        if part.build is None:
            raise StackError(f"{part.name} runs in Docker only: see docker-compose.monitoring.yml.")
        return self.cache / "bin" / f"{part.name}-{part.version}-{recipe_digest(part.build, self.repository)}"

    def program(self, part: Part, name: str) -> Path:
        """Return the path of one binary of a part."""
        return self.binaries(part) / name

    def installed(self, part: Part) -> bool:
        """Return whether all binaries of the part exist."""
        programs = part.build.programs if part.build else {}
        return all(self.program(part, name).is_file() for name in programs)

    def port(self, part: Part, name: str) -> int:
        """Return a port of the part with the offset."""
        if part.run is None:
            raise StackError(f"{part.name} is a tool without ports.")
        return part.run.ports[name] + self.port_offset

    def address(self, part: Part, name: str) -> str:
        """Return `host:port` for a port of the part."""
        return f"{LOOPBACK}:{self.port(part, name)}"

    def health_url(self, part: Part) -> str:
        """Return the URL of the page that answers 200 once the part is ready."""
        if part.run is None:
            raise StackError(f"{part.name} is a tool without a health page.")
        port_name, path = part.run.health
        return f"http://{self.address(part, port_name)}{path}"

    def folder(self, part: Part) -> Path:
        """Return the state folder of the part: data, generated configuration, log and pid file."""
        return self.state / part.name

    def log(self, part: Part) -> Path:
        """Return the file for the output of the part."""
        return self.folder(part) / "output.log"

    def fill(self, part: Part, template: str) -> str:
        """Return a template of the part's table row with its placeholders replaced."""
        names = [(other, port) for other in running_parts() if other.run for port in other.run.ports]
        return template.format(
            bin=self.binaries(part) if part.build else "",
            python=sys.executable,
            repository=self.repository,
            secrets=self.secrets,
            config=self.folder(part) / "config",
            data=self.folder(part) / "data",
            port={f"{other.name}.{port}": self.port(other, port) for other, port in names},
            address={f"{other.name}.{port}": self.address(other, port) for other, port in names},
        )


def recipe_digest(build: Build, repository: Path) -> str:
    """Return eight hexadecimal digits that identify the build recipe."""
    recipe = json.dumps(asdict(build) | {"disk_gb": None}, sort_keys=True).encode()
    manifest = (repository / build.manifest).read_bytes() if build.manifest else b""
    return hashlib.sha256(recipe + manifest).hexdigest()[:8]


def places_from(environ: Mapping[str, str] | None = None) -> Places:
    """Return the folders and addresses from environment variables.

    Args:
        environ: `FLEXT_STACK_CACHE` (folder of binaries; default `$XDG_CACHE_HOME/flext-observability`, else
            `~/.cache/flext-observability`), `FLEXT_STACK_PORT_OFFSET` (added to every port; default 0) and
            `FLEXT_STACK_STATE` (folder of data, logs and pid files; default `state` in the cache, one per offset).
            Default: the environment of this process.

    Raises:
        StackError: The port offset is not a number, or a port would exceed 65535.
    """
    values = os.environ if environ is None else environ
    xdg = Path(values.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = Path(values.get("FLEXT_STACK_CACHE") or xdg / "flext-observability").expanduser().absolute()
    offset = _port_offset(values.get("FLEXT_STACK_PORT_OFFSET") or "0")
    default_state = cache / (f"state-{offset}" if offset else "state")
    state = Path(values.get("FLEXT_STACK_STATE") or default_state).expanduser().absolute()
    return Places(cache=cache, state=state, port_offset=offset)


def _port_offset(text: str) -> int:
    highest = max(port for part in running_parts() if part.run for port in part.run.ports.values())
    limit = 65535 - highest
    if not text.isascii() or not text.isdigit() or int(text) > limit:
        raise StackError(f"Invalid FLEXT_STACK_PORT_OFFSET {text!r}: set a whole number from 0 to {limit}.")
    return int(text)
