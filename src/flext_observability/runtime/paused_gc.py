"""A pause of garbage collection, for code that creates many objects which all stay, such as imports.

The collector would search them again and again: 6 % of the time of a start.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_gc() -> Iterator[None]:
    """Run the body without garbage collection; a program that has disabled it keeps it disabled.

    The pause concerns all threads of the process.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
