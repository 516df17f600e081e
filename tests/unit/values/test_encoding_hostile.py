"""Encoding of hostile values: time and memory are bounded while they are read, and results are the same each time.

Each value is encoded twice in a process of its own, whose memory is limited.
"""

from __future__ import annotations

import json
import sys
from itertools import islice

import pytest

from flext_observability.values.encoding import encode_attribute
from flext_observability.values.reduction import Reading, reduce_value
from tests.programs import UNMEASURED, run

DEFINITIONS = """
import collections, dataclasses, datetime, decimal, enum, fractions, itertools, json, pathlib, resource, time
import opentelemetry, pydantic
from collections.abc import Mapping, Sequence, Set
from flext_observability.values.encoding import encode_attribute, encode_attributes

class LyingSet(Set):
    def __init__(self, length, items): self.length, self.items = length, items
    def __len__(self): return self.length
    def __iter__(self): return self.items()
    def __contains__(self, item): return True

class LyingBuiltIn(set):
    def __len__(self): return 1 << 60
    def __iter__(self): return itertools.count()

class Endless(Mapping):
    def __len__(self): return 1
    def __iter__(self): return itertools.count()
    def __getitem__(self, key): return Endless()

class LyingDict(dict):
    def items(self): return itertools.repeat(("key", self))
    def keys(self): return itertools.count()
    def __len__(self): return 0

class NoPairs(Mapping):
    def items(self): return ["abc", 1, None]
    def __len__(self): return 1
    def __iter__(self): return iter(())
    def __getitem__(self, key): return 1

class Slow(Sequence):
    def __len__(self): return 1 << 40
    def __getitem__(self, key): time.sleep(0.01); return key

class Raising(Sequence):
    def __len__(self): return 10
    def __getitem__(self, key): raise IndexError if key > 5000 else SystemExit if key == 5000 else ValueError
    def __iter__(self):
        yield from range(5000)
        raise ValueError

class Text(str):
    def __str__(self): return "y" * 200_000_000
    def __repr__(self): return "y" * 200_000_000
    def __len__(self): return 0

class Shown:
    def __str__(self): return "z" * 20_000_000

class Computed(pydantic.BaseModel):
    a: int = 1
    @pydantic.computed_field
    @property
    def endless(self) -> int:
        while True: pass

@dataclasses.dataclass
class Wide:
    a: object
    def __getattribute__(self, name):
        return Endless() if name == "a" else object.__getattribute__(self, name)

class Choice(enum.Enum):
    ENDLESS = LyingDict()

class Zone(datetime.tzinfo):
    def utcoffset(self, moment): raise SystemExit
    def tzname(self, moment): return "x" * 1_000_000

class Path(type(pathlib.Path())):
    def __str__(self): return "p" * 10_000_000

class Array:
    def tolist(self): return itertools.count()
    def __iter__(self): return itertools.count()
    def __len__(self): return 1 << 60

class Liar:
    @property
    def __class__(self): return dict
    def items(self): return itertools.repeat((1, 2))

def laughs(kind, levels=10, width=10):
    value = kind(["lol"] * width)
    for _ in range(levels):
        value = kind([value] * width)
    return value

def laughing_dict():
    value = {"a": "lol"}
    for _ in range(12):
        value = {str(number): value for number in range(10)}
    return value

def deep():
    value = []
    for _ in range(100_000):
        value = [value]
    return value

def wide():
    inner = dict.fromkeys(range(8192), 0)
    return [inner] * 8192

CASES = {
    "set with a large length": lambda: LyingSet(1 << 60, lambda: iter(range(3))),
    "set with a negative length": lambda: LyingSet(-1, itertools.count),
    "endless set": lambda: LyingSet(3, itertools.count),
    "built-in set that lies": LyingBuiltIn,
    "sets of one large set": lambda: [frozenset(range(10_000))] * 8192,
    "endless mappings": Endless,
    "list of endless mappings": lambda: [Endless()] * 8192,
    "dict that lies": LyingDict,
    "items that are no pairs": NoPairs,
    "slow sequence": Slow,
    "sequences that raise late": lambda: [Raising()] * 8192,
    "text that lies": lambda: Text("x" * 30_000_000),
    "long text of an object": Shown,
    "pydantic model": Computed,
    "dataclass": lambda: Wide(1),
    "shared lists": lambda: laughs(list),
    "shared tuples": lambda: laughs(tuple),
    "shared dicts": laughing_dict,
    "values of a dict": lambda: {"a": laughs(list)}.values(),
    "deep list": deep,
    "8192 dicts of 8192": wide,
    "array": Array,
    "large bytes": lambda: memoryview(bytes(100_000_000)),
    "large number": lambda: 1 << 100_000_000,
    "large negative number": lambda: -(1 << 1_000_000),
    "exponent": lambda: decimal.Decimal("1E+999999"),
    "digits": lambda: decimal.Decimal("1" * 1_000_000),
    "fraction": lambda: fractions.Fraction(1 << 100_000, 3),
    "enum": lambda: Choice.ENDLESS,
    "zone": lambda: datetime.datetime(2026, 1, 1, tzinfo=Zone()),
    "path": lambda: Path("a"),
    "exception of a long text": lambda: ValueError("x" * 50_000_000),
    "exception of shared lists": lambda: ValueError(laughs(list)),
    "class that lies": Liar,
    "generator": lambda: itertools.count(),
}
"""
PROGRAM = (
    DEFINITIONS
    + """
import os, sys
value = CASES[sys.argv[1]]()
size = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
resource.setrlimit(resource.RLIMIT_AS, (size + 250_000_000, resource.RLIM_INFINITY))
begun = time.process_time()
texts = [str(encode_attribute(value))[:10_000] for _ in range(2)]
count = len(encode_attributes({"a": value, "b": value}))
try:
    encode_attributes(value)
except MemoryError:
    count = -1
print(json.dumps([len(texts[0].encode()), texts[0][:60], texts[0] == texts[1], count, time.process_time() - begun]))
"""
)
NAMES = [line.split('"')[1] for line in DEFINITIONS.splitlines() if line.startswith('    "')]


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")
@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_value_is_encoded_in_bounded_time_and_memory(name: str) -> None:
    finished = run(PROGRAM.replace("sys.argv[1]", repr(name)), 60, **UNMEASURED)
    assert finished.code == 0, finished.err[-2000:]
    length, _, same, count, seconds = json.loads(finished.lines[-1])
    assert length <= 33_000
    assert (same or name == "slow sequence", count) == (True, 2)
    assert seconds < 20


def test_values_of_a_dict_are_a_sequence() -> None:
    assert encode_attribute({"a": 1, "b": 2}.values()) == (1, 2)


def test_the_budget_is_that_of_all_values() -> None:
    reading = Reading(8192)
    for _ in range(5):
        reduced = reduce_value(memoryview(b"x"), reading)
        assert reduced == "x"
        assert len(reading.read(iter(int, 1))) <= 8193
    assert reduce_value(memoryview(b"x"), reading) == "<unprintable builtins.memoryview>"
    assert reduce_value(list(islice(range(9), 3)), reading) == [0, 1, 2]


def test_long_numbers_are_cut() -> None:
    number = int("7" * 20_000, 16)
    assert encode_attribute(number, max_bytes=20) == "0x" + "7" * 15 + "…"
    assert encode_attribute(-number, max_bytes=20) == "-0x" + "7" * 14 + "…"
    assert encode_attribute(int("7" * 2000, 16)) == "0x" + "7" * 2000


def test_arguments_of_exceptions_are_cut_before() -> None:
    assert encode_attribute(ValueError([1], "a")) == "ValueError([1], 'a')"
    assert len(str(encode_attribute(ValueError("x" * 9000)))) < 300


class Own(Exception):
    def __repr__(self) -> str:
        return "own"


def test_an_exception_with_its_own_text_has_it() -> None:
    assert encode_attribute(Own([1])) == "own"
