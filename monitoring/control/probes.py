"""Ask HTTP pages of the stack: health with latency, JSON answers, and waiting for a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar

import httpx

from monitoring.native.places import StackError

_PROBE_SECONDS: Final = 3.0
_REQUEST_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.2

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Probe:
    """Answer of a health page."""

    healthy: bool
    milliseconds: float
    detail: str
    """`200`, another status, or why there was no answer."""


def probe(url: str) -> Probe:
    """Request a health page, and measure how long the answer needs."""
    client = _client()
    began = time.perf_counter()
    try:
        answer = client.get(url, timeout=_PROBE_SECONDS)
        healthy, detail = answer.status_code == int(httpx.codes.OK), str(answer.status_code)
    except httpx.HTTPError as error:
        healthy, detail = False, str(error) or type(error).__name__
    return Probe(healthy, (time.perf_counter() - began) * 1000, detail)


def get_json(url: str, parameters: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401  (JSON of several APIs)
    """Return the JSON answer of a page.

    Raises:
        StackError: There is no answer, its status is not 200, or it is not JSON.
    """
    answer = _ask("GET", url, parameters)
    try:
        return answer.json()
    except ValueError as error:
        raise StackError(
            f"{url}: the answer is not JSON: another program uses this port. Stop it, or set FLEXT_STACK_PORT_OFFSET."
        ) from error


def post(url: str) -> None:
    """Post without a body, for example to reload a configuration.

    Raises:
        StackError: There is no answer, or it is not a success.
    """
    _ask("POST", url, None)


def eventually(ask: Callable[[], Found | None], what: str, *, seconds: float) -> Found:
    """Repeat a question until it has an answer.

    Raises:
        StackError: There is no answer within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while (found := ask()) is None:
        if time.monotonic() > deadline:
            raise StackError(
                f"{what}: nothing after {seconds:.0f} s. Run `make health-monitor` to see which part is down."
            )
        time.sleep(_POLL_SECONDS)
    return found


@cache
def _client() -> httpx.Client:
    # trust_env=False: a proxy of the environment must not be used for loopback.
    return httpx.Client(timeout=_REQUEST_SECONDS, trust_env=False)


def _ask(method: str, url: str, parameters: Mapping[str, str] | None) -> httpx.Response:
    try:
        answer = _client().request(method, url, params=parameters)
    except httpx.HTTPError as error:
        raise StackError(
            f"{url}: no answer ({error}). Start the stack with `make monitoring-setup`, or see `make health-monitor`."
        ) from error
    if not answer.is_success:
        raise StackError(f"{url}: status {answer.status_code}: {answer.text.strip()[:1000]}. Correct the named cause.")
    return answer
