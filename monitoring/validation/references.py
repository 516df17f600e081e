"""Names inside collector and Jaeger files that `validate` does not resolve, but a start would → those undefined."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Final

from monitoring.validation.check import Check
from monitoring.validation.collector import COLLECTOR_FILE, JAEGER_FILE, TIERS
from monitoring.validation.documents import Document
from monitoring.validation.faults import Fault
from monitoring.validation.grafana import readable
from monitoring.validation.tree import Tree, nearest

_STORAGE_LINE: Final = re.compile(r"^\s*storage: *[\"']?([\w/-]+)[\"']?\s*(?:#.*)?$")
_POLICIES: Final = (
    "always_sample and boolean_attribute bytes_limiting composite drop latency not numeric_attribute ottl_condition "
    "probabilistic rate_limiting span_count status_code string_attribute trace_flags trace_state"
)
"""Types of policies of tail sampling, see
https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/tailsamplingprocessor."""


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of the names that the collector and Jaeger resolve only at their start."""
    yield Check("queues, policies and storages that collector and Jaeger files name", partial(_faults, tree))


def _faults(tree: Tree) -> Iterator[Fault]:
    files = (COLLECTOR_FILE, *tree.files(f"{TIERS}/*.yaml", "monitoring/collector/*.yaml"))
    documents = list(readable(tree, files))
    for document in documents:
        base = document.file.replace("-without-kafka", "")
        bases = [one for one in documents if one.file in {base, COLLECTOR_FILE, document.file}]
        yield from _queues(document, {name for one in bases for name in one.mapping("extensions")})
        yield from _policies(document)
    for document in readable(tree, (JAEGER_FILE,)):
        yield from _storages(document)


def _queues(document: Document, extensions: set[str]) -> Iterator[Fault]:
    for number, line in enumerate(document.lines, start=1):
        named = _STORAGE_LINE.match(line)
        if named and named[1] not in extensions:
            why = "no extension has this name, so that the queue would not start"
            yield Fault(document.file, number, f'storage "{named[1]}"', why, nearest(named[1], extensions))


def _policies(document: Document) -> Iterator[Fault]:
    for name in document.mapping("processors"):
        if name.partition("/")[0] != "tail_sampling":
            continue
        place = ("processors", name, "policies")
        for number in range(len(document.sequence(*place))):
            kind = str(document.mapping(*place, number).get("type", ""))
            if kind not in _POLICIES.split():
                what = f'policy "{document.mapping(*place, number).get("name", number)}"'
                line = document.line(*place, number, "type")
                why = f'"{kind}" is not a type of policy'
                yield Fault(document.file, line, what, why, nearest(kind, _POLICIES.split()))


def _storages(document: Document) -> Iterator[Fault]:
    traces = document.mapping("extensions", "jaeger_storage", "backends")
    metrics = document.mapping("extensions", "jaeger_storage", "metric_backends")
    query = ("extensions", "jaeger_query", "storage")
    places = [(*query, "traces"), (*query, "traces_archive"), ("exporters", "jaeger_storage_exporter", "trace_storage")]
    for *place, key in (*places, (*query, "metrics")):
        name, known = document.mapping(*place).get(key), metrics if key == "metrics" else traces
        if name is not None and str(name) not in known:
            section = "metric_backends" if key == "metrics" else "backends"
            why = f"{section} of jaeger_storage does not define it"
            yield Fault(document.file, document.line(*place, key), f'storage "{name}"', why, nearest(str(name), known))
