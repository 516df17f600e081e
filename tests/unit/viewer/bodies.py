"""OTLP/JSON requests of other languages: camel case, hex ids, 64-bit numbers as text, numeric enums."""

from __future__ import annotations

from typing import Any

RESOURCE: dict[str, Any] = {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]}
SCOPE: dict[str, Any] = {
    "name": "my.library",
    "version": "1.0.0",
    "attributes": [{"key": "my.scope.attribute", "value": {"stringValue": "some scope attribute"}}],
}
TRACE_ID = "5B8EFFF798038103D269B633813FC60C"
SPAN_ID = "EEE19B7EC3C1B174"
_TIMES = {"startTimeUnixNano": "1544712660300000000", "timeUnixNano": "1544712661300000000"}
_ATTRIBUTES = [{"key": "my.attr", "value": {"stringValue": "some value"}}]

TRACES: dict[str, Any] = {
    "resourceSpans": [
        {
            "resource": RESOURCE,
            "scopeSpans": [
                {
                    "scope": SCOPE,
                    "spans": [
                        {
                            "traceId": TRACE_ID,
                            "spanId": SPAN_ID,
                            "parentSpanId": "",
                            "name": "I'm a server span",
                            "startTimeUnixNano": "1544712660000000000",
                            "endTimeUnixNano": "1544712661000000000",
                            "kind": 2,
                            "attributes": _ATTRIBUTES,
                        }
                    ],
                }
            ],
        }
    ]
}
LOGS: dict[str, Any] = {
    "resourceLogs": [
        {
            "resource": RESOURCE,
            "scopeLogs": [
                {
                    "scope": SCOPE,
                    "logRecords": [
                        {
                            "timeUnixNano": "1544712660300000000",
                            "observedTimeUnixNano": "1544712660300000000",
                            "severityNumber": 10,
                            "severityText": "Information",
                            "traceId": TRACE_ID,
                            "spanId": SPAN_ID,
                            "body": {"stringValue": "Example log record"},
                            "attributes": [
                                {"key": "int.attribute", "value": {"intValue": "10"}},
                                {"key": "array.attribute", "value": {"arrayValue": {"values": [{"boolValue": True}]}}},
                            ],
                        }
                    ],
                }
            ],
        }
    ]
}
METRICS: dict[str, Any] = {
    "resourceMetrics": [
        {
            "resource": RESOURCE,
            "scopeMetrics": [
                {
                    "scope": SCOPE,
                    "metrics": [
                        {
                            "name": "my.counter",
                            "unit": "1",
                            "sum": {
                                "aggregationTemporality": 1,
                                "isMonotonic": True,
                                "dataPoints": [{"asDouble": 5, **_TIMES, "attributes": _ATTRIBUTES}],
                            },
                        },
                        {"name": "my.gauge", "unit": "1", "gauge": {"dataPoints": [{"asInt": "10", **_TIMES}]}},
                        {
                            "name": "my.histogram",
                            "unit": "1",
                            "histogram": {
                                "aggregationTemporality": 2,
                                "dataPoints": [
                                    {
                                        **_TIMES,
                                        "count": "2",
                                        "sum": 2,
                                        "bucketCounts": ["1", "1"],
                                        "explicitBounds": [1],
                                        "min": 0,
                                        "max": 2,
                                    }
                                ],
                            },
                        },
                        {
                            "name": "my.exponential.histogram",
                            "unit": "1",
                            "exponentialHistogram": {
                                "aggregationTemporality": 2,
                                "dataPoints": [
                                    {
                                        **_TIMES,
                                        "count": "3",
                                        "sum": 10,
                                        "scale": 0,
                                        "zeroCount": "1",
                                        "positive": {"offset": 1, "bucketCounts": ["0", "2"]},
                                    }
                                ],
                            },
                        },
                    ],
                }
            ],
        }
    ]
}
