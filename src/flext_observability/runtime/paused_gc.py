"""A pause of garbage collection, for code that creates many objects which all stay, such as imports.

The collector would search them again and again: 9 % of the time of a start.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MIN_MODULES: Final = 20
"""Number of imported modules above which new objects are taken for those that stay."""


@contextmanager
def paused_gc() -> Iterator[None]:
    """Run the body without garbage collection; a program that has disabled it keeps it disabled.

    Objects that exist after many imports count as old ones, without a search for garbage among them. The next full
    collection searches them. The pause concerns all threads of the process.
    """
    if not gc.isenabled():
        yield
        return
    modules = len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) - modules > MIN_MODULES and not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()  # into the oldest generation
        gc.enable()
