"""Addresses of the stack → clients of its back ends, after a check that all parts are up."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Final

import httpx

from monitoring.native.parts import ALERTMANAGER, JAEGER, PROMETHEUS, VICTORIALOGS, Part, running_parts
from monitoring.native.places import Places, StackError
from monitoring.tester.backends.http import Api
from monitoring.tester.backends.jaeger import Alertmanager, Jaeger
from monitoring.tester.backends.prometheus import Prometheus
from monitoring.tester.backends.victorialogs import VictoriaLogs
from monitoring.tester.run import BackEnds

_TIMEOUT_SECONDS: Final = 15.0
_PROBES: Final = {"jaeger": ("http", "/api/services")}
"""Page of a part whose health page is not published by Docker."""


def check_stack(places: Places) -> None:
    """Check that each part of the stack answers, in Docker or natively.

    Raises:
        StackError: A part does not answer, with the command that starts it.
    """
    down = [part.name for part in running_parts() if not _answers(part, places)]
    if down:
        raise StackError(
            f"Not running: {', '.join(down)} (port offset {places.port_offset}). "
            "Start the stack: make monitoring-setup, or without Docker: make stack-install stack-up."
        )


@contextmanager
def back_ends(places: Places) -> Generator[BackEnds]:
    """Open clients of the back ends during the ``with`` block."""
    with ExitStack() as stack:

        def api(part: Part) -> Api:
            base = f"http://{places.address(part, 'http')}"
            # trust_env=False: a proxy of the environment must not be used for loopback.
            client = httpx.Client(base_url=base, timeout=_TIMEOUT_SECONDS, trust_env=False)
            return Api(part.name, stack.enter_context(client))

        yield BackEnds(
            Prometheus(api(PROMETHEUS)),
            VictoriaLogs(api(VICTORIALOGS)),
            Jaeger(api(JAEGER)),
            Alertmanager(api(ALERTMANAGER)),
        )


def _answers(part: Part, places: Places) -> bool:
    port, path = _PROBES.get(part.name) or (part.run.health if part.run else ("", ""))
    try:
        answer = httpx.get(f"http://{places.address(part, port)}{path}", timeout=3.0, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200
