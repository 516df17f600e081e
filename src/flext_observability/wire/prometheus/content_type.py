"""``Accept`` header → format of a Prometheus page.

Source: https://www.rfc-editor.org/rfc/rfc9110#field.accept
Source: https://prometheus.io/docs/instrumenting/content_negotiation/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from flext_observability.wire.http.headers import parse_quality
from flext_observability.wire.prometheus.escaping import Escaping, parse_escaping

CLASSIC_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROTOBUF_TYPE: Final = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
FormatKind = Literal["protobuf", "openmetrics", "text"]
_TEXT_KINDS: Final[Sequence[FormatKind]] = ("openmetrics", "text")
_ALL_KINDS: Final[Sequence[FormatKind]] = ("protobuf", *_TEXT_KINDS)  # the first of equal quality is preferred
_NAMES: Final[Mapping[str, FormatKind]] = {
    "application/vnd.google.protobuf": "protobuf",
    "application/openmetrics-text": "openmetrics",
    "text/plain": "text",
}
_VERSIONS: Final[Mapping[FormatKind, Sequence[str]]] = {"openmetrics": ("1.0.0", "0.0.1"), "text": ("0.0.4", "1.0.0")}
_TYPES: Final[Mapping[FormatKind, str]] = {
    "protobuf": PROTOBUF_TYPE,
    "openmetrics": OPENMETRICS_TYPE,
    "text": CLASSIC_TYPE,
}


class PageFormat(NamedTuple):
    """Format of a page.

    Attributes:
        kind: ``text`` is the classic format 0.0.4, ``openmetrics`` OpenMetrics 1.0, ``protobuf`` delimited messages.
        content_type: Value of the header ``Content-Type``.
        escaping: Scheme for names that are not valid in the classic format.
    """

    kind: FormatKind = "text"
    content_type: str = CLASSIC_TYPE
    escaping: Escaping = "underscores"


class _Range(NamedTuple):
    name: str
    parameters: Mapping[str, str]
    quality: float


def preferred_format(accept: str, *, protobuf: bool = True) -> PageFormat:
    """Return the format of the highest quality in the header, classic text if it names none that is known.

    Of equal qualities, protobuf is preferred to OpenMetrics, and OpenMetrics to text.

    Args:
        accept: The header.
        protobuf: Whether the page is available in the protobuf format.
    """
    named: list[tuple[_Range, FormatKind]] = []
    for each in _ranges(accept):
        found = _kind(each)
        if found is not None and each.quality > 0 and (protobuf or found != "protobuf"):
            named.append((each, found))
    best = max(named, key=lambda pair: (pair[0].quality, -_ALL_KINDS.index(pair[1])), default=None)
    if best is None or best[0].quality < _wildcard_quality(accept, named):
        return PageFormat()
    asked, kind = best
    content_type = _TYPES[kind]
    if kind in _VERSIONS and (version := asked.parameters.get("version")):
        content_type = content_type.replace(_VERSIONS[kind][0], version)
    escaping = parse_escaping(asked.parameters.get("escaping", ""))
    if escaping is None:
        return PageFormat(kind, content_type)
    return PageFormat(kind, f"{content_type}; escaping={escaping}", escaping)


def page_quality(accept: str) -> float:
    """Return the quality of a Prometheus page, as text of either type, in the header, from 0 to 1."""
    return max((each.quality for each in _ranges(accept) if _kind(each) in _TEXT_KINDS), default=0.0)


def _wildcard_quality(accept: str, named: Sequence[tuple[_Range, FormatKind]]) -> float:
    """Return the quality of classic text by a range with a wildcard, if no range names it."""
    if any(kind == "text" for _, kind in named):
        return 0.0
    return max((each.quality for each in _ranges(accept) if each.name in {"*/*", "text/*"}), default=0.0)


def _kind(asked: _Range) -> FormatKind | None:
    """Return the format that a range of media types names, in a version that is available."""
    kind = _NAMES.get(asked.name)
    parameters = asked.parameters
    if kind == "protobuf":
        known = parameters.get("proto") == "io.prometheus.client.metricfamily"
        return kind if known and parameters.get("encoding") == "delimited" else None
    if kind is None or parameters.get("version", "") in {"", *_VERSIONS[kind]}:
        return kind
    return None


def _ranges(accept: str) -> Iterator[_Range]:
    for part in accept.lower().split(","):
        name, *rest = (piece.strip() for piece in part.split(";"))
        pairs = (piece.partition("=") for piece in rest)
        parameters = {key.strip(): value.strip().strip('"') for key, _, value in pairs}
        yield _Range(name, parameters, parse_quality(parameters.get("q", "1")))
