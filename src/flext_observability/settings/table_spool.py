"""Field table, part 5: the spool, which keeps on disk what cannot be sent."""

from __future__ import annotations

from flext_observability.settings import types
from flext_observability.settings.fields import setting
from flext_observability.settings.table_operations import OperationsFields
from flext_observability.values.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class SpoolFields(OperationsFields):
    """Settings of the spool."""

    spool: bool | None = setting(
        types.BOOL,
        "Whether to keep on disk what cannot be sent. None: in an `environment` other than development, test, demo.",
        default=None,
    )
    spool_directory: str = setting(
        types.TEXT,
        "Directory of the spool. Empty: `flext-observability/spool` in the state folder (`XDG_STATE_HOME`).",
        default="",
    )
    spool_max_bytes: int = setting(
        types.COUNT,
        "Size of the spool of a service, above which the oldest items are dropped.",
        default=256 << 20,
        unit="bytes",
    )
    spool_max_age_seconds: float = setting(
        types.INTERVAL, "Age at which items of the spool are dropped.", default=172_800.0
    )
    spool_while_down: bool = setting(
        types.BOOL,
        "Whether to store batches at once while a back end is down; otherwise at the exit and for a full queue.",
        default=True,
    )
    spool_open_spans_after_seconds: float = setting(
        types.SECONDS,
        "Time after which an open span is kept in the spool: the next start sends it as aborted if the process is "
        "killed. 0: never.",
        default=10.0,
        signal="traces",
    )
