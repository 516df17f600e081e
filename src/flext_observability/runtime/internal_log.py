"""Sentence → one warning in the program's log, whatever the program's handlers do with it (standard library only)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import Logger


def say(logger: Logger, sentence: str) -> None:
    """Write a warning; a handler or filter of the program that raises costs the line, and neither a worker nor a verb."""
    with suppress(Exception):
        logger.warning(sentence)
