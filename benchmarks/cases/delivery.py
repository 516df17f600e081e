"""CPU time and losses of spans that are made, queued, encoded, sent and received (G14, G15)."""

from __future__ import annotations

from benchmarks.destination import Destination, destination
from benchmarks.measure import Rounds
from benchmarks.paced import Load, Outcome, SideName, run_load
from benchmarks.readings import Reading, Settings, reading

TIGHT_SPANS = 50_000
LARGE_QUEUE = 131_072
SIDES: tuple[SideName, SideName] = ("ours", "stock")


def tight(settings: Settings) -> list[Reading]:
    """G14: CPU of a tight loop. The queue holds all spans, so that both sides deliver them all."""
    load = Load(count=settings.operations(TIGHT_SPANS), max_queue_size=LARGE_QUEUE)
    with destination() as target:
        rounds = _rounds(load, target, 1 if settings.quick else 3)
    return [_cpu("G14 tight", rounds, target.name, 0.0)]


def paced(settings: Settings) -> list[Reading]:
    """G14: CPU at 5 000 spans/s with the default queue."""
    load = Load(rate=5_000, seconds=settings.paced_seconds)
    with destination() as target:
        rounds = _rounds(load, target, 1)
        alone = run_load(load, "none", target).cpu_seconds
    return [_cpu("G14 paced", rounds, f"{target.name}, without the CPU time of the program itself", alone)]


def losses(settings: Settings) -> list[Reading]:
    """G15: lost spans at 20 000/s and 40 000/s with the default queue."""
    found: list[Reading] = []
    with destination() as target:
        for rate in (20_000, 40_000):
            load = Load(rate=rate, seconds=settings.paced_seconds)
            (ours,), (theirs,) = _rounds(load, target, 1).values()
            lost = float(ours.missing)
            found.append(
                Reading(f"G15 {rate}", lost, lost, lost, float(theirs.missing), "spans", _reached(ours, theirs))
            )
    return found


def _rounds(load: Load, target: Destination, rounds: int) -> dict[SideName, list[Outcome]]:
    found: dict[SideName, list[Outcome]] = {side: [] for side in SIDES}
    for number in range(rounds):
        for side in SIDES if number % 2 == 0 else SIDES[::-1]:
            found[side].append(run_load(load, side, target))
    return found


def _cpu(key: str, found: dict[SideName, list[Outcome]], note: str, alone: float) -> Reading:
    rounds = Rounds({side: [each.without(alone) for each in outcomes] for side, outcomes in found.items()})
    lost = ", ".join(f"{side} lost {sum(each.missing for each in outcomes)}" for side, outcomes in found.items())
    ratio = rounds.ratio("stock", "ours")
    return reading(key, ratio, rounds.best("ours"), rounds.best("stock"), "CPU s", f"{note}; {lost}")


def _reached(ours: Outcome, theirs: Outcome) -> str:
    return (
        f"reached {ours.achieved:.0f}/s, stock {theirs.achieved:.0f}/s; of {ours.made} made {ours.received} received, "
        f"stock {theirs.received} of {theirs.made}; lost by reason: {dict(ours.lost) or 'none'}"
    )
