"""Answers of the viewer's read API → the views that are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from flext_observability.render.model import MetricView, TraceView


@dataclass(frozen=True, slots=True)
class Viewer:
    """A viewer that runs on this machine.

    Attributes:
        http: Client for it.
        base: Its address.
        run: Beginning of the instance ids of this run; empty when nobody else uses the viewer.
    """

    http: httpx.AsyncClient
    base: str
    run: str = ""

    async def trace(self, trace_id: str) -> TraceView:
        """Return what it has of a trace, perhaps nothing yet."""
        raise RuntimeError

    async def metrics(self) -> list[MetricView]:
        """Return the points of this run, perhaps none yet."""
        raise RuntimeError
