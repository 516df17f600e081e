"""Job and labels of a Pushgateway's group → the path of its URL."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping

_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_PLAIN = re.compile(r"[a-zA-Z0-9_:-][a-zA-Z0-9_.:-]*")


def group_path(job: str, labels: Mapping[str, str]) -> str:
    """Return the path of a group, ``/metrics/job/<job>/<label>/<value>``, with base64 where a path needs it.

    Args:
        job: Non-empty name of the job.
        labels: Further labels of the grouping key.

    Raises:
        ValueError: The name of a label is invalid.

    Source: https://github.com/prometheus/pushgateway#url
    """
    for name in labels:
        if name == "job" or not _LABEL.fullmatch(name):
            raise ValueError(f"the grouping label {name!r} cannot be used")
    return "/metrics" + "".join(_segment(name, value) for name, value in {"job": job, **labels}.items())


def _segment(name: str, value: str) -> str:
    if _PLAIN.fullmatch(value):
        return f"/{name}/{value}"
    return f"/{name}@base64/{urlsafe_b64encode(value.encode()).decode() or '='}"
