"""Functions that show what a public name promises, by name."""

from __future__ import annotations

from collections.abc import Callable

CONTRACTS: dict[str, Callable[[], None]] = {}


def contract(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Enter a function as the one that shows what ``name`` promises."""

    def enter(show: Callable[[], None]) -> Callable[[], None]:
        assert name not in CONTRACTS
        CONTRACTS[name] = show
        return show

    return enter
