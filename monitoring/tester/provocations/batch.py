"""A batch job in the Pushgateway, with one push that succeeded and one that was refused."""

from __future__ import annotations

import time
from typing import Final

import httpx

from monitoring.native.parts import PUSHGATEWAY
from monitoring.native.places import Places

JOB: Final = "observability-test"
_SECONDS: Final = 10.0
_INVALID: Final = "observability_test_rows 24 1600000000000\n"


def push_batch_job(places: Places) -> None:
    """Push the group of a batch job to the Pushgateway."""
    page = (
        "# TYPE observability_test_rows gauge\nobservability_test_rows 24\n"
        f"# TYPE observability_test_last_success_seconds gauge\nobservability_test_last_success_seconds {time.time()}\n"
    )
    with httpx.Client(timeout=_SECONDS, trust_env=False) as http:
        http.put(_group(places), content=page).raise_for_status()
        # Samples with a time are refused, which sets push_failure_time_seconds of the group.
        http.put(_group(places), content=_INVALID)


def delete_batch_job(places: Places) -> None:
    """Delete the group of the batch job, if it exists."""
    httpx.delete(_group(places), timeout=_SECONDS, trust_env=False).raise_for_status()


def _group(places: Places) -> str:
    return f"http://{places.address(PUSHGATEWAY, 'http')}/metrics/job/{JOB}"
