"""Pipeline with a spool → a job that keeps the spans that are open for long, in case the process is killed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flext_observability.pipeline.span_snapshots import SpanSnapshots
    from flext_observability.pipeline.spool.session import SpoolSession
    from flext_observability.providers.bootstrap import Pipeline

_JOB: Final = "open spans"


def begin_snapshots(pipeline: Pipeline) -> None:
    """Keep open spans from now on, twice in the time of the setting, if there is a spool."""
    after_seconds = pipeline.config.spool_open_spans_after_seconds
    spool, spools, spans = pipeline.outlets.spool, pipeline.outlets.of_spans, pipeline.spans
    if spool is None or spans is None or not spools or not after_seconds:
        return
    from flext_observability.pipeline.span_snapshots import SpanSnapshots
    from flext_observability.runtime.scheduler import scheduler

    pipeline.snapshots = SpanSnapshots(spans.open, spools, spool.store.own_folder, after_seconds)
    scheduler().schedule(_JOB, after_seconds / 2, partial(_keep, spool, pipeline.snapshots))


def _keep(spool: SpoolSession, snapshots: SpanSnapshots) -> None:
    if snapshots.is_closed:  # of an earlier pipeline, or of the parent process
        _cancel()
        return
    spool.check()  # a program without items has no worker that looks for those of ended processes
    snapshots.update()


def end_snapshots(pipeline: Pipeline) -> None:
    """End the job, unless it is that of a later pipeline, and delete the file."""
    if pipeline.snapshots is not None and pipeline.spans is not None:
        pipeline.snapshots.close()
        if not pipeline.spans.is_followed:
            _cancel()


def _cancel() -> None:
    from flext_observability.runtime.scheduler import scheduler

    scheduler().cancel(_JOB)
