"""Processes killed at random moments, in an outage and with a good collector; the next ones send what they left."""

from __future__ import annotations

import os
import random
import time

from tests.backends.collector import Answer, collector
from tests.backends.ports import refusing_port
from tests.faults.running import Faults, missing, received, show, twice

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "5"))
"""Killed processes of each test; `make test-faults-long` has 100."""
OUTAGE_SECONDS = float(os.environ.get("FAULT_OUTAGE_SECONDS", "6"))
RATE = 500.0
BATCH = 512
"""Largest number of items in memory: those of the interval of 0.2 s, and a running batch."""


def test_kills_in_an_outage_cost_the_batch_in_memory(faults: Faults) -> None:
    seed = random.randrange(1 << 30)
    moments = random.Random(seed)
    with refusing_port() as port:
        for _ in range(ROUNDS):
            process = faults.start(f"http://127.0.0.1:{port}", seconds=60, rate=RATE)
            faults.wait_until_it_records(process)
            time.sleep(moments.uniform(0.1, 2.0))
            faults.kill(process)
    with collector() as good:
        faults.drain(good)
        arrived = received(good)
    for signal, numbers in arrived.items():
        show(f"{ROUNDS} kills in an outage, seed {seed}", faults, numbers, signal)
        assert twice(numbers) == 0
        assert len(missing(numbers, faults.sent)) <= ROUNDS * BATCH
        assert faults.total("found_exported", signal) == len(numbers)


def test_kills_with_a_good_collector_cost_the_batch_in_memory(faults: Faults) -> None:
    moments = random.Random(7)
    with collector() as good:
        for _ in range(ROUNDS):
            process = faults.start(good.url, seconds=60, rate=RATE)
            faults.wait_until_it_records(process)
            time.sleep(moments.uniform(0.1, 2.0))
            faults.kill(process)
        faults.drain(good)
        arrived = received(good)
    for signal, numbers in arrived.items():
        show(f"{ROUNDS} kills", faults, numbers, signal)
        assert twice(numbers) == 0
        assert len(missing(numbers, faults.sent)) <= ROUNDS * BATCH


def test_an_outage_with_a_kill_in_it(faults: Faults) -> None:
    with collector() as back_end:
        back_end.standing = Answer(503)
        process = faults.start(back_end.url, seconds=600, rate=RATE)
        faults.wait_until_it_records(process)
        time.sleep(OUTAGE_SECONDS / 2)
        faults.kill(process)
        at_kill = faults.sent
        process = faults.start(back_end.url, seconds=OUTAGE_SECONDS, rate=RATE)
        faults.wait_until_it_records(process)
        time.sleep(OUTAGE_SECONDS / 2)
        back_end.standing = Answer()
        faults.finish(process)
        faults.drain(back_end)
        arrived = received(back_end)
    for signal, numbers in arrived.items():
        show(f"outage of {OUTAGE_SECONDS:g} s with a kill", faults, numbers, signal)
        lost = missing(numbers, faults.sent)
        assert twice(numbers) == 0
        assert len(lost) <= BATCH
        assert all(number < at_kill for number in lost)
