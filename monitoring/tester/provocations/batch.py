"""A batch job in the Pushgateway, which has succeeded, and one that has failed."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import httpx

from monitoring.native.parts import PUSHGATEWAY
from monitoring.native.places import Places

JOB: Final = "observability-test"
_SECONDS: Final = 10.0
_INVALID: Final = "observability_test_rows 24 1600000000000\n"


@contextmanager
def batch_job(places: Places) -> Generator[None]:
    """Keep the group of a batch job in the Pushgateway during the ``with`` block."""
    group = f"http://{places.address(PUSHGATEWAY, 'http')}/metrics/job/{JOB}"
    page = (
        "# TYPE observability_test_rows gauge\nobservability_test_rows 24\n"
        f"# TYPE observability_test_last_success_seconds gauge\nobservability_test_last_success_seconds {time.time()}\n"
    )
    with httpx.Client(timeout=_SECONDS, trust_env=False) as http:
        http.put(group, content=page).raise_for_status()
        try:
            # Samples with a time are refused, which sets push_failure_time_seconds of the group.
            http.put(group, content=_INVALID)
            yield
        finally:
            http.delete(group).raise_for_status()
