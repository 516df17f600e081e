"""Class with annotated fields → named tuple, in half the time of the standard one, which compiles the annotations."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any, Final

_make: Any = collections.namedtuple  # noqa: PYI024 - makes what the standard class makes
_KEPT: Final = frozenset({"__module__", "__annotations__"})


class _NamedTupleType(type):
    """Makes a subclass of ``tuple`` of each class with the base ``NamedTuple``."""

    def __new__(cls, name: str, _bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:  # noqa: ANN401
        annotations: dict[str, Any] = namespace.get("__annotations__", {})
        defaults = [namespace[field] for field in annotations if field in namespace]
        made = _make(name, annotations, defaults=defaults, module=namespace["__module__"])
        made.__annotations__ = made.__new__.__annotations__ = annotations
        for key in namespace.keys() - annotations.keys() - _KEPT:
            setattr(made, key, namespace[key])
        return made


if TYPE_CHECKING:
    from typing import NamedTuple
else:
    NamedTuple = type.__new__(_NamedTupleType, "NamedTuple", (), {})

__all__ = ["NamedTuple"]
