"""Provoke what panels wait for: errors, losses, refused exports, a firing alert, an unhealthy check, a batch job."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from monitoring.native.places import Places
from monitoring.tester.provocations.alert import add_alert, remove_alert
from monitoring.tester.provocations.batch import delete_batch_job, push_batch_job
from monitoring.tester.provocations.otlp import send_faulty_requests
from monitoring.tester.provocations.programs import failing_programs

_CONDITIONS: Final = "failing requests, error logs, unhealthy check, losses, refused exports, firing alert, batch job"


def provoke(places: Places, stack: ExitStack, *, step: Callable[[str], None]) -> None:
    """Provoke all conditions.

    Args:
        places: Addresses of the stack.
        stack: Ends the failing programs when it closes.
        step: Function to call with a text about the progress.
    """
    step(_CONDITIONS)
    add_alert(places)
    push_batch_job(places)
    stack.enter_context(failing_programs(places))
    send_faulty_requests(places)


def clean_up(places: Places) -> None:
    """Remove the alert rule and the batch job, also those that an earlier run has kept."""
    remove_alert(places)
    delete_batch_job(places)
