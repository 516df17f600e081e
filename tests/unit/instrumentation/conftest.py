"""A logger, the records that the bridge emits, and restored logging."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from flext_observability import FlextStructuredLogger, get_logger
from flext_observability.instrumentation.logging import bridge as logging_bridge
from tests.unit.instrumentation.sink import Sink


@pytest.fixture
def restored_logging() -> Iterator[None]:
    root, handlers, level = logging.getLogger(), list(logging.root.handlers), logging.root.level
    yield
    logging_bridge.uninstall()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.startswith("shop") and isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.setLevel(logging.NOTSET)
            logger.propagate = True


@pytest.fixture
def sink() -> Sink:
    emitted = Sink()
    logging_bridge.install("info", provider=emitted.provider)
    return emitted


@pytest.fixture
def shop(sink: Sink) -> FlextStructuredLogger:
    return get_logger("shop")


@pytest.fixture
def log() -> logging.Logger:
    return logging.getLogger("shop")
