"""Records of the spool, with a set time, and what is left of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flext_observability.domain.report import Signal
from flext_observability.pipeline.spool.record import SpoolRecord
from flext_observability.pipeline.spool.store import Spool

NOW = 1_800_000_000_000_000_000
KEY: tuple[Signal, str] = ("traces", "otlp_http")
Make = Callable[..., Spool]


class Clock:
    """Wall time that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


def record(name: str = "a", /, *, items: int = 1, **changes: Any) -> SpoolRecord:
    return SpoolRecord("traces", "otlp_http", "", items, NOW, name.encode())._replace(**changes)


def bodies(spool: Spool, signal: Any = "traces", exporter: str = "otlp_http") -> list[str]:
    """Take and settle all records, and return their bodies."""
    found: list[str] = []
    while (stored := spool.lease(signal, exporter)) is not None:
        body = spool.read(stored)
        assert body is not None
        found.append(body.decode())
        spool.settle(stored)
    return found


def files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_file() and each.name != "lock")
