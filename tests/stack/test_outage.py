"""A restart of the collector after 20 s: no item is lost while the queues have space."""

from __future__ import annotations

import time

import pytest

from tests.stack.clients import Collector, Jaeger, Prometheus, VictoriaLogs, eventually
from tests.stack.emitting import Emitter, emitter

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

OUTAGE_SECONDS = 20.0
BEFORE, DURING, AFTER = 20, 300, 30


def test_telemetry_recorded_during_an_outage_arrives_exactly_once(
    collector: Collector, jaeger: Jaeger, prometheus: Prometheus, victorialogs: VictoriaLogs
) -> None:
    with emitter(collector, "http/protobuf") as over_http, emitter(collector, "grpc") as over_grpc:
        programs = (over_http, over_grpc)
        traces: list[dict[str, int]] = [{program.emit(BEFORE): BEFORE} for program in programs]
        with collector.stopped():
            for _ in range(3):
                for program, made in zip(programs, traces, strict=True):
                    made[program.emit(DURING // 3)] = DURING // 3
                time.sleep(OUTAGE_SECONDS / 3)  # the outage itself
            during = [program.flush(0.1) for program in programs]
        for program, made in zip(programs, traces, strict=True):
            made[program.emit(AFTER)] = AFTER
        reports = [program.flush(30.0) for program in programs]
        ends = [program.end() for program in programs]
    assert [(one["complete"], one["queued"] >= 2 * DURING) for one in during] == [(False, True)] * 2
    for program, made, report, end in zip(programs, traces, reports, ends, strict=True):
        total = BEFORE + DURING + AFTER
        assert report["complete"], report
        assert (end["queued"], end["dropped"]) == (0, {})
        sent = {name.partition("/")[0]: count for name, count in end["exported"].items()}
        assert (sent["traces"], sent["logs"]) == (total, total)
        for trace_id, count in made.items():
            # B023: the functions are called at once
            assert eventually(lambda: _settled(len(jaeger.trace(trace_id)), count)) == count  # noqa: B023
            assert eventually(lambda: _settled(len(victorialogs.by_trace(trace_id)), count)) == count  # noqa: B023
        assert eventually(lambda: _counted(prometheus, program, total)) == total  # noqa: B023


def _settled(found: int, expected: int) -> int:
    """Return the number found once it reaches the expected one, else 0. A larger number is returned too, and fails."""
    return found if found >= expected else 0


def _counted(prometheus: Prometheus, program: Emitter, expected: int) -> int:
    value = prometheus.value(f'sum(emitter_numbers_total{{service_name="{program.service}"}})')
    return _settled(int(value or 0), expected)
