"""Settings and metric reader → the page that the processes of the program share."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from flext_observability.adapters.instrument_table import instrument_table
from flext_observability.pipeline.shared_page.page import SharedPage
from flext_observability.runtime.process_family import ProcessIdentity, family_root, own_identity

if TYPE_CHECKING:
    from pathlib import Path

    from flext_observability.pipeline.shared_metric_reader import SharedMetricReader
    from flext_observability.pipeline.shared_page.process_directory import ProcessDirectory
    from flext_observability.settings.config import FlextObservabilityConfig

OFF: Final = "none"


def make_shared_page(
    config: FlextObservabilityConfig,
    reader: SharedMetricReader,
    root: ProcessIdentity | None,
    previous: SharedPage | None,
) -> SharedPage | None:
    """Return a page; None if the settings disable it, or the system has no such users and locks.

    Args:
        config: Resolved configuration.
        reader: Reader of the cumulative points of this process.
        root: Process that started the program; None if it is not known.
        previous: Page of these points in the previous configuration. It continues in the same directory.
    """
    setting = config.metrics_directory
    if setting == OFF or os.name != "posix":
        return None
    mode = partial(gauge_mode, config.metrics_gauge_modes)
    if previous is not None and previous.setting == setting:
        previous.gauge_mode = mode
        return previous
    root = root or family_root()
    return SharedPage(reader.collect, partial(_locate, setting, root), root, mode, setting)


def _locate(setting: str, root: ProcessIdentity) -> ProcessDirectory:
    from pathlib import Path

    from flext_observability.pipeline.shared_page.process_directory import ProcessDirectory

    if setting:
        return ProcessDirectory(Path(setting).absolute(), is_automatic=False)
    base = _temporary_directory() / f"flext-observability-{os.geteuid()}"
    return ProcessDirectory(base / f"{root.pid}-{root.started}", is_automatic=True)


def _temporary_directory() -> Path:
    """Return what ``tempfile.gettempdir`` does, without its import and without writing a file."""
    from pathlib import Path

    given = (os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP"))
    # The directory in it is created for this user alone, and checked.
    found = next((path for path in given if os.path.isdir(path)), "/tmp")  # noqa: PTH112, S108  # nosec B108
    return Path(found).absolute()


def share_page(page: SharedPage | None, *, wanted: bool) -> None:
    """Share the metrics of this process if the settings name a directory, or the program has other processes.

    Args:
        page: The page; None for none.
        wanted: Whether this process may be asked for the page.
    """
    if page is None:
        return
    page.wanted |= wanted
    is_child = page.root != own_identity()
    if page.setting or (is_child and (page.wanted or page.directory.path.is_dir())):
        page.activate()
    elif page.wanted and "multiprocessing.context" in sys.modules:
        page.announce()


def gauge_mode(modes: Mapping[str, str], name: str) -> str:
    """Return how the values of a gauge in several processes become one; empty: they do not.

    Args:
        modes: Modes of the settings by name or pattern, in any case. Without, that of the instrument is used.
        name: Instrument name.
    """
    from fnmatch import fnmatchcase

    key = name.lower()
    by_pattern = {pattern.lower(): mode for pattern, mode in modes.items()}
    found = by_pattern.get(key)
    if found is None:
        found = next((mode for pattern, mode in by_pattern.items() if fnmatchcase(key, pattern)), "")
    found = found or instrument_table().gauge_mode(name)
    return "" if found == "process" else found
