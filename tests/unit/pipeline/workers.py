"""Deliveries for tests: how they are asked for, flushed and closed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flext_observability.pipeline.export_worker import Delivery

Make = Callable[..., Delivery[Any]]


def close(delivery: Delivery[Any], seconds: float = 5) -> dict[str, int]:
    deadline = time.monotonic() + seconds
    delivery.begin_close(deadline)
    return dict(delivery.wait_closed(deadline).dropped)


def flush(delivery: Delivery[Any], seconds: float = 5) -> bool:
    return delivery.wait_flushed(delivery.begin_flush(), time.monotonic() + seconds)
