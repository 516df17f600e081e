"""Nothing → an object that raises whatever is asked of it, as arguments of careless programs do."""

from __future__ import annotations

from typing import NoReturn


class Hostile:
    """Raises whatever is asked of it, even for its class, as proxies without a target do."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(name)

    def __bool__(self) -> bool:
        raise RuntimeError("bool")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    def __hash__(self) -> int:
        raise RuntimeError("hash")

    def __str__(self) -> NoReturn:
        raise RuntimeError("str")

    __repr__ = __str__
