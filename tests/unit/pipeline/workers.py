"""Helpers for tests of workers: close and flush."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flext_observability.pipeline.export_worker import ExportWorker

Make = Callable[..., ExportWorker[Any]]


def close(worker: ExportWorker[Any], seconds: float = 5) -> dict[str, int]:
    deadline = time.monotonic() + seconds
    worker.begin_close(deadline)
    worker.wait_closed(deadline)
    return dict(worker.counts().dropped)


def flush(worker: ExportWorker[Any], seconds: float = 5) -> bool:
    return worker.wait_flushed(worker.begin_flush(), time.monotonic() + seconds)
