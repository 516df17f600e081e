"""Model class → one whose instances can be made by threads that go on while the interpreter ends.

A daemon thread ends the moment it wants to run Python after the interpreter has begun to end. When compiled Rust code is among its callers, as it is
amid pydantic's check of a model, the whole process crashes. Source: https://docs.python.org/3.13/c-api/init.html#c.PyEval_RestoreThread
"""

from __future__ import annotations

import atexit
import sys
from threading import current_thread, get_ident, main_thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from pydantic import BaseModel

LONGEST_SECONDS: Final = 0.5
"""How long the end waits for threads that are making a model: usually some milliseconds, on a machine that is overloaded some more."""
_PAUSE_SECONDS: Final = 0.001
_PARTS: Final = ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")


def survive_the_end(model: type[BaseModel]) -> None:
    """From the end of the program on, make instances in other threads than the main one without checking types."""
    atexit.register(_leave_pydantic, model)


def _leave_pydantic(model: type[BaseModel]) -> None:
    checked = model.__init__

    def make(self: BaseModel, /, **fields: Any) -> None:
        if current_thread() is main_thread():
            checked(self, **fields)
            return
        made = type(self).model_construct(**fields)  # plain Python
        for part in _PARTS:
            object.__setattr__(self, part, getattr(made, part))

    type.__setattr__(model, "__init__", make)
    deadline = monotonic() + LONGEST_SECONDS
    while _others_run(checked.__code__) and monotonic() < deadline:
        sleep(_PAUSE_SECONDS)


def _others_run(code: CodeType) -> bool:
    """Whether the code is being run by another thread, however deep it has gone from there."""
    frames = sys._current_frames()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - documented, and there is no other way
    return any(_runs(frame, code) for thread, frame in frames.items() if thread != get_ident())


def _runs(frame: FrameType | None, code: CodeType) -> bool:
    while frame is not None:
        if frame.f_code is code:
            return True
        frame = frame.f_back
    return False
