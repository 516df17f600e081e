"""An argument that raises on every use, such as a proxy without a target."""

from __future__ import annotations

from typing import NoReturn


class Hostile:
    """Object that raises on every access, even to its class."""

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
