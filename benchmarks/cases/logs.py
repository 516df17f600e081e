"""Records of the standard library's ``logging`` → queue of log records, each side in fresh processes (G18)."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult

from benchmarks.cases.sides import RESOURCE, SPANS, start
from benchmarks.measure import Rounds, Work, interleave, interleave_programs
from benchmarks.readings import CaseSkippedError, Reading, Settings, reading

_PACKAGE = "opentelemetry.instrumentation.logging"
_ROUNDS = 7
"""Rounds of one process, of which the best counts."""


class _Discarding(LogRecordExporter):
    def export(self, batch: object) -> LogRecordExportResult:
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return True


def records(settings: Settings) -> list[Reading]:
    """G18: an INFO record with an argument, in total and without the cost of ``logging`` itself."""
    # The bridge of this library sees the records of all loggers, so that the sides cannot share a process.
    sides = ("ours", "theirs", "logging") if find_spec(_PACKAGE) else ("ours", "logging")
    programs = {side: ("-m", "benchmarks.cases.logs", side) for side in sides}
    rounds, _ = interleave_programs(programs, settings.process_rounds)
    if "theirs" not in sides:
        raise CaseSkippedError("opentelemetry-instrumentation-logging is not installed")
    note = f"`logging` alone {rounds.best('logging'):.2f} µs"
    return [_reading("G18 total", rounds, note), _reading("G18 net", rounds.minus("logging"), note)]


def main(side: str) -> None:
    """Print the cost of a record on one side, in microseconds."""
    logger = logging.getLogger("bench")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    flush = {"ours": _ours, "theirs": _theirs, "logging": _nothing}[side](logger)
    rounds = interleave({side: _log(logger)}, SPANS, _ROUNDS, before=lambda _side: flush())
    print(json.dumps({"cost": rounds.best(side)}), flush=True)
    os._exit(0)


def _ours(logger: logging.Logger) -> Callable[[], object]:
    logger.propagate = True
    return start().flush


def _theirs(logger: logging.Logger) -> Callable[[], object]:
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(_Discarding()))
    logger.addHandler(import_module(f"{_PACKAGE}.handler").LoggingHandler(logger_provider=provider))
    return provider.force_flush


def _nothing(logger: logging.Logger) -> Callable[[], object]:
    logger.addHandler(logging.NullHandler())
    return bool


def _log(logger: logging.Logger) -> Work:
    def work(count: int) -> None:
        for number in range(count):
            logger.info("order %d was paid", number)

    return work


def _reading(key: str, rounds: Rounds, note: str) -> Reading:
    return reading(key, rounds.ratio("theirs", "ours"), rounds.best("ours"), rounds.best("theirs"), note=note)


if __name__ == "__main__":
    main(sys.argv[1])
