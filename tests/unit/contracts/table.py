"""Functions that show the contract of a public name, by name."""

from __future__ import annotations

from collections.abc import Callable

CONTRACTS: dict[str, Callable[[], None]] = {}


def contract(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register the decorated function as the contract of ``name``."""

    def register(show: Callable[[], None]) -> Callable[[], None]:
        assert name not in CONTRACTS
        CONTRACTS[name] = show
        return show

    return register
