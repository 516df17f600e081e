"""Job and labels of a Pushgateway's group → its path; points → points whose labels stay clear of the group's."""

from __future__ import annotations

import dataclasses
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flext_observability.wire.prometheus.names import label_name

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric, MetricsData

_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_PLAIN = re.compile(r"[a-zA-Z0-9_:-][a-zA-Z0-9_.:-]*")


def group_path(job: str, labels: Mapping[str, str]) -> str:
    """Return the path of a group, ``/metrics/job/<job>/<label>/<value>``; what a path cannot carry as it is goes in base64.

    Args:
        job: The job, not empty.
        labels: Further labels of the grouping key.

    Raises:
        ValueError: A label's name cannot be used; the text says which.

    Source: https://github.com/prometheus/pushgateway#url
    """
    for name in labels:
        if name == "job" or not _LABEL.fullmatch(name):
            raise ValueError(f"the grouping label {name!r} cannot be used")
    return "/metrics" + "".join(_step(name, value) for name, value in {"job": job, **labels}.items())


def exclude_labels(data: MetricsData, labels: Collection[str]) -> MetricsData:
    """Return the points, attributes that would be one of these labels under ``exported_<label>``, as a scrape names them.

    The gateway writes the group's labels over those of the points, which would make two points of one series.
    """
    resources = [
        dataclasses.replace(
            resource,
            scope_metrics=[
                dataclasses.replace(scope, metrics=[_clear(metric, labels) for metric in scope.metrics])
                for scope in resource.scope_metrics
            ],
        )
        for resource in data.resource_metrics
    ]
    return dataclasses.replace(data, resource_metrics=resources)


def _step(name: str, value: str) -> str:
    if _PLAIN.fullmatch(value):
        return f"/{name}/{value}"
    return f"/{name}@base64/{urlsafe_b64encode(value.encode()).decode() or '='}"


def _clear(metric: Metric, labels: Collection[str]) -> Metric:
    data: Any = metric.data  # each kind of data has points of its own kind
    if not any(label_name(key) in labels for key in _keys(data.data_points)):
        return metric
    points = [dataclasses.replace(point, attributes=_apart(point.attributes, labels)) for point in data.data_points]
    return dataclasses.replace(metric, data=dataclasses.replace(data, data_points=points))


def _keys(points: Sequence[Any]) -> set[str]:
    return {key for point in points for key in point.attributes or ()}


def _apart(attributes: Mapping[str, object] | None, labels: Collection[str]) -> dict[str, object]:
    given = attributes or {}
    return {f"exported_{key}" if label_name(key) in labels else key: value for key, value in given.items()}
