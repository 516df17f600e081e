"""An exception that ends a thread of ours, as greenlet does."""

from __future__ import annotations

import sys
import threading
from types import ModuleType

import pytest


def ending(monkeypatch: pytest.MonkeyPatch) -> type[BaseException]:
    """Return a ``GreenletExit``, which no handler contains, and show no traceback of the threads that it ends."""
    module = ModuleType("greenlet")
    kind = type("GreenletExit", (BaseException,), {})
    vars(module)["GreenletExit"] = kind
    monkeypatch.setitem(sys.modules, "greenlet", module)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    return kind
