"""Provoke what panels wait for: errors, losses, refused exports, a firing alert, an unhealthy check, a batch job."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from monitoring.native.places import Places
from monitoring.tester.provocations.alert import firing_alert
from monitoring.tester.provocations.batch import batch_job
from monitoring.tester.provocations.otlp import send_faulty_requests
from monitoring.tester.provocations.programs import failing_programs

_CONDITIONS: Final = "failing requests, error logs, unhealthy check, losses, refused exports, firing alert, batch job"


def provoke(places: Places, stack: ExitStack, *, keep: bool, step: Callable[[str], None]) -> None:
    """Provoke all conditions. They last until `stack` closes.

    Args:
        places: Addresses of the stack.
        stack: Ends the programs, and removes the alert rule and the batch job.
        keep: Whether the alert rule and the batch job stay.
        step: Function to call with a text about the progress.
    """
    step(_CONDITIONS)
    own = ExitStack() if keep else stack
    own.enter_context(firing_alert(places))
    own.enter_context(batch_job(places))
    stack.enter_context(failing_programs(places))
    send_faulty_requests(places)
