"""Messages of OTLP: tag of each field → its name in JSON and its kind.

Source: https://github.com/open-telemetry/opentelemetry-proto/tree/main/opentelemetry/proto
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias


class Field(NamedTuple):
    """A field of a message.

    Attributes:
        name: Name in JSON.
        kind: Kind of its value, or the name of its message.
        repeated: Whether its values are a list.
    """

    name: str
    kind: str
    repeated: bool = False


Message: TypeAlias = Mapping[int, Field]
"""Tag (field number and wire type) → field."""


def _message(rows: str) -> Message:
    """Return the fields of rows ``number name kind``; a kind that ends with ``[]`` is a list."""
    fields: dict[int, Field] = {}
    for row in rows.strip().splitlines():
        number, name, kind = row.split()
        plain = kind.removesuffix("[]")
        fields[int(number) << 3 | _WIRE_TYPES.get(plain, 2)] = Field(name, plain, kind != plain)
    return fields


_WIRE_TYPES: Final = (
    dict.fromkeys(("uint", "bool", "int64", "sint"), 0)
    | dict.fromkeys(("fixed64", "sfixed64", "double"), 1)
    | {"fixed32": 5}
)
"""Others are length-delimited: text, ids, bytes, packed numbers, messages."""

_POINT: Final = """
2 startTimeUnixNano fixed64
3 timeUnixNano fixed64
"""

MESSAGES: Final[Mapping[str, Message]] = {
    name: _message(rows)
    for name, rows in {
        "TracesRequest": "1 resourceSpans ResourceSpans[]",
        "LogsRequest": "1 resourceLogs ResourceLogs[]",
        "MetricsRequest": "1 resourceMetrics ResourceMetrics[]",
        "ResourceSpans": "1 resource Resource\n2 scopeSpans ScopeSpans[]\n3 schemaUrl text",
        "ResourceLogs": "1 resource Resource\n2 scopeLogs ScopeLogs[]\n3 schemaUrl text",
        "ResourceMetrics": "1 resource Resource\n2 scopeMetrics ScopeMetrics[]\n3 schemaUrl text",
        "ScopeSpans": "1 scope Scope\n2 spans Span[]\n3 schemaUrl text",
        "ScopeLogs": "1 scope Scope\n2 logRecords LogRecord[]\n3 schemaUrl text",
        "ScopeMetrics": "1 scope Scope\n2 metrics Metric[]\n3 schemaUrl text",
        "Resource": "1 attributes KeyValue[]",
        "Scope": "1 name text\n2 version text\n3 attributes KeyValue[]",
        "KeyValue": "1 key text\n2 value AnyValue",
        "AnyValue": """
1 stringValue text
2 boolValue bool
3 intValue int64
4 doubleValue double
5 arrayValue ArrayValue
6 kvlistValue KeyValueList
7 bytesValue bytes
""",
        "ArrayValue": "1 values AnyValue[]",
        "KeyValueList": "1 values KeyValue[]",
        "Span": """
1 traceId id
2 spanId id
3 traceState text
4 parentSpanId id
5 name text
6 kind uint
7 startTimeUnixNano fixed64
8 endTimeUnixNano fixed64
9 attributes KeyValue[]
10 droppedAttributesCount uint
11 events Event[]
12 droppedEventsCount uint
13 links Link[]
14 droppedLinksCount uint
15 status Status
16 flags fixed32
""",
        "Event": "1 timeUnixNano fixed64\n2 name text\n3 attributes KeyValue[]\n4 droppedAttributesCount uint",
        "Link": """
1 traceId id
2 spanId id
3 traceState text
4 attributes KeyValue[]
5 droppedAttributesCount uint
6 flags fixed32
""",
        "Status": "2 message text\n3 code uint",
        "LogRecord": """
1 timeUnixNano fixed64
2 severityNumber uint
3 severityText text
5 body AnyValue
6 attributes KeyValue[]
7 droppedAttributesCount uint
8 flags fixed32
9 traceId id
10 spanId id
11 observedTimeUnixNano fixed64
12 eventName text
""",
        "Metric": """
1 name text
2 description text
3 unit text
5 gauge Gauge
7 sum Sum
9 histogram Histogram
10 exponentialHistogram ExponentialHistogram
""",
        "Gauge": "1 dataPoints NumberDataPoint[]",
        "Sum": "1 dataPoints NumberDataPoint[]\n2 aggregationTemporality uint\n3 isMonotonic bool",
        "Histogram": "1 dataPoints HistogramDataPoint[]\n2 aggregationTemporality uint",
        "ExponentialHistogram": "1 dataPoints ExponentialHistogramDataPoint[]\n2 aggregationTemporality uint",
        "NumberDataPoint": f"""{_POINT.strip()}
4 asDouble double
5 exemplars Exemplar[]
6 asInt sfixed64
7 attributes KeyValue[]
8 flags uint
""",
        "HistogramDataPoint": f"""{_POINT.strip()}
4 count fixed64
5 sum double
6 bucketCounts fixed64s
7 explicitBounds doubles
8 exemplars Exemplar[]
9 attributes KeyValue[]
10 flags uint
11 min double
12 max double
""",
        "ExponentialHistogramDataPoint": f"""1 attributes KeyValue[]
{_POINT.strip()}
4 count fixed64
5 sum double
6 scale sint
7 zeroCount fixed64
8 positive Buckets
9 negative Buckets
10 flags uint
11 exemplars Exemplar[]
12 min double
13 max double
14 zeroThreshold double
""",
        "Buckets": "1 offset sint\n2 bucketCounts uints",
        "Exemplar": """
2 timeUnixNano fixed64
3 asDouble double
4 spanId id
5 traceId id
6 asInt sfixed64
7 filteredAttributes KeyValue[]
""",
    }.items()
}
"""Fields of each message by its name."""
