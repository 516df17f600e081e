"""Classes of metric points: those of the SDK once it is imported, plain ones with the same names and fields before.

The SDK of metrics is not imported for its points alone. In the background its import would meet imports of its
submodules by the program, and Python ends one of two such imports with a deadlock error.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final

_PLAIN: Final = "flext_observability.values.plain_points"
_SDK: Final = "opentelemetry.sdk.metrics"
_NAMES: Final = (
    "AggregationTemporality",
    "Buckets",
    "ExponentialHistogram",
    "ExponentialHistogramDataPoint",
    "Gauge",
    "Histogram",
    "HistogramDataPoint",
    "Metric",
    "MetricsData",
    "NumberDataPoint",
    "ResourceMetrics",
    "ScopeMetrics",
    "Sum",
)
DELTA: Final = 1
"""Value of ``AggregationTemporality.DELTA``."""
CUMULATIVE: Final = 2
"""Value of ``AggregationTemporality.CUMULATIVE``."""


def point_classes() -> Any:  # noqa: ANN401 - a namespace of the SDK's classes, or of plain ones
    """Return the classes by their names in ``opentelemetry.sdk.metrics.export``, and ``Exemplar``.

    The SDK's are returned from the moment on at which a program could compare with them.
    """
    if _SDK in sys.modules:
        try:
            return _sdk_classes()
        except AttributeError:  # another thread is importing them
            pass
    from flext_observability.values import plain_points

    return plain_points


def is_plain(data: object) -> bool:
    """Return whether points are of the plain classes, which code of other packages does not know."""
    return type(data).__module__ == _PLAIN


def kind_of(data: object) -> str:
    """Return the kind of the data of a metric: ``Sum``, ``Gauge``, ``Histogram``, ``ExponentialHistogram``."""
    return type(data).__name__


@lru_cache(maxsize=1)
def _sdk_classes() -> SimpleNamespace:
    sdk: Any = sys.modules[_SDK]
    return SimpleNamespace(Exemplar=sdk.Exemplar, **{name: getattr(sdk.export, name) for name in _NAMES})
