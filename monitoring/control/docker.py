"""Engine with Docker: `docker compose` with the services of docker-compose.monitoring.yml."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from monitoring.control.engine import Answer, PartState
from monitoring.control.probes import probe
from monitoring.native.grafana import described
from monitoring.native.overlays import chosen_overlays
from monitoring.native.parts import GRAFANA, JAEGER, Part, running_parts
from monitoring.native.places import Places, StackError

_FILE: Final = "docker-compose.monitoring.yml"
_OVERLAYS: Final = "/etc/otelcol/overlays"
_PULL_SECONDS: Final = 1800
_START_SECONDS: Final = 300
_QUICK_SECONDS: Final = 60
_PUBLISHED_SECONDS: Final = 30.0
_FOLDERS: Final = {"prometheus": "/etc/prometheus", "alertmanager": "/etc/alertmanager"}


class DockerEngine:
    """Engine of a machine with Docker and its Compose plug-in."""

    name = "docker"

    def __init__(self, places: Places) -> None:
        """Create an engine. The compose file publishes fixed ports, so that a port offset does not apply."""
        self.places = replace(places, port_offset=0)

    def prepare(self, console: Console) -> None:
        """Pull the images of the tags in `.env`."""
        console.print("Pulling the images of .env …", markup=False, highlight=False)
        if not console.is_terminal:
            self._compose(("pull", "--quiet"), _PULL_SECONDS)
        elif self._run(("pull",), _PULL_SECONDS, shown=True).returncode != 0:  # with the progress of Docker
            raise StackError(_explained("pull", "see the lines above (dial tcp, no space left on device, …)"))

    def start(self, parts: Sequence[Part], console: Console) -> None:
        """Start services, wait for their health checks, then for the published health pages."""
        services = [part.service for part in parts]
        self._compose(("up", "--detach", "--wait", "--wait-timeout", str(_START_SECONDS), *services), _PULL_SECONDS)
        for part in tuple(parts) or (*running_parts(), GRAFANA):
            url = self._health_url(part)
            self._wait(part, url)
            console.print(f"{part.name:<12} healthy: {url}", markup=False, highlight=False, soft_wrap=True)

    def stop(self, parts: Sequence[Part], console: Console) -> None:
        """Stop services, or remove all containers. Volumes stay."""
        if parts:
            self._compose(("stop", *(part.service for part in parts)), _QUICK_SECONDS * 2)
        else:
            self._compose(("down",), _QUICK_SECONDS * 2)
        names = ", ".join(part.name for part in parts) or "all parts"
        console.print(f"Stopped: {names}. Volumes are kept.", markup=False, highlight=False)

    def states(self) -> list[PartState]:
        """Return the containers of the parts."""
        rows = _rows(self._compose(("ps", "--all", "--format", "json"), _QUICK_SECONDS))
        containers = {str(row.get("Service")): row for row in rows}
        return [self._state(part, containers.get(part.service, {})) for part in (*running_parts(), GRAFANA)]

    def refresh(self) -> None:
        """Do nothing: containers read the files of the repository through their mounts."""

    def tool(self, part: Part, program: str, words: Sequence[str]) -> Answer:
        """Run a program of the part's image in a new container without network, with the same mounts."""
        own = [word.format(configuration=_FOLDERS.get(part.name, "/etc")) for word in words]
        run = ("run", "--rm", "--no-deps", "--no-TTY", "--entrypoint", program, part.service, *own)
        done = self._run(run, _START_SECONDS)
        return Answer(done.returncode, (done.stdout + done.stderr).strip())

    def _state(self, part: Part, row: Mapping[str, Any]) -> PartState:
        state, health = str(row.get("State", "no container")), str(row.get("Health", ""))
        detail = f"{state} ({health})" if health else state
        one = part if part.run is not None else described()
        address = self.places.address(one, one.run.shown[0] if one.run else "http")
        running = state == "running" and health in {"", "healthy"}
        return PartState(part, running, detail, self._health_url(part), address)

    def _health_url(self, part: Part) -> str:
        if part is JAEGER:  # the compose file does not publish its health port
            return f"http://{self.places.address(JAEGER, 'http')}/api/services"
        return self.places.health_url(part if part.run is not None else described())

    def _wait(self, part: Part, url: str) -> None:
        deadline = time.monotonic() + _PUBLISHED_SECONDS
        while not (found := probe(url)).healthy:
            if time.monotonic() > deadline:
                raise StackError(
                    f"{part.name} runs in Docker, but {url} does not answer: {found.detail}. "
                    f"Read its log: docker compose -f {_FILE} logs {part.service}."
                )
            time.sleep(0.2)

    def _compose(self, words: Sequence[str], seconds: int) -> str:
        done = self._run(words, seconds)
        if done.returncode != 0:
            raise StackError(_explained(" ".join(words[:1]), done.stderr.strip() or done.stdout.strip()))
        return done.stdout

    def _run(self, words: Sequence[str], seconds: int, *, shown: bool = False) -> subprocess.CompletedProcess[str]:
        file = self.places.repository / _FILE
        argv = ["docker", "compose", "--file", str(file), *words]
        output = None if shown else subprocess.PIPE
        try:
            return subprocess.run(
                argv,
                env=_environment(self.places.repository) if words[0] == "up" else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
                check=False,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise StackError(
                f"`docker compose {words[0]}` has not ended after {seconds} s. "
                f"Check the network and `docker compose -f {_FILE} ps`, then run this command again."
            ) from error


def _environment(repository: Path) -> dict[str, str]:
    """Return the environment with the arguments for the overlays of COLLECTOR_OVERLAYS, as paths in the container."""
    words = [f"--config {_OVERLAYS}/{overlay.path.name}" for overlay in chosen_overlays(repository)]
    return dict(os.environ) | ({"COLLECTOR_OVERLAY_ARGUMENTS": " ".join(words)} if words else {})


def _explained(command: str, output: str) -> str:
    """Return the end of Docker's output with the action for known failures."""
    advice = f"Correct this, then run the command again; logs: docker compose -f {_FILE} logs."
    if "made-by-make-observability-init" in output:
        advice = "The secrets are missing: run `make observability-init`."
    elif "port is already allocated" in output or "address already in use" in output:
        advice = "Stop the process that uses the port (`make stack-down` for the native stack), then run it again."
    elif "no space left" in output:
        advice = "Free disk space, for example with `docker system prune`, then run it again."
    elif "toomanyrequests" in output or "dial tcp" in output or "no such host" in output:
        advice = "Check the network and the registry's limits, then run it again."
    return f"`docker compose {command}` failed: {output[-1500:]}\n{advice}"


def _rows(text: str) -> list[dict[str, Any]]:
    """Read the output of `ps`: one JSON object a line, or one array in releases before 2.21."""
    if text.lstrip().startswith("["):
        found: list[dict[str, Any]] = json.loads(text)
        return found
    return [json.loads(line) for line in text.splitlines() if line.strip()]
