"""Exporter → the same exporter, which receives items without secrets. It runs on the thread of the export worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from flext_observability.extensions.ports import (
    EncodedRequest,
    ExportOutcome,
    LoadingExporter,
    RequestExporter,
    SignalExporter,
)

RedactBatch = Callable[[Sequence[Any]], Sequence[Any]]
"""Items → the same items; of those with a secret, copies with markers."""


class RedactingExporter:
    """Exporter that receives items without secrets.

    Args:
        exporter: The exporter.
        redact: Redacts a batch.
        load: Loads the rules.
    """

    def __init__(self, exporter: SignalExporter[Any], redact: RedactBatch, load: Callable[[], object]) -> None:
        self._exporter = exporter
        self._load = load
        self._redact = redact

    def export(self, batch: Sequence[Any], timeout_seconds: float) -> ExportOutcome:
        """Export a batch."""
        return self._exporter.export(self._redact(batch), timeout_seconds)

    def close(self) -> None:
        """Close the exporter."""
        self._exporter.close()


class RedactingLoadingExporter(RedactingExporter):
    """Exporter as ``RedactingExporter``, with modules to load."""

    def load_modules(self) -> None:
        """Load the rules, and the modules of the exporter."""
        self._load()
        cast("LoadingExporter", self._exporter).load_modules()


class RedactingRequests:
    """Encoder of requests, for the spool, that receives items without secrets.

    Args:
        exporter: The exporter.
        redact: Redacts a batch.
    """

    def __init__(self, exporter: RequestExporter, redact: RedactBatch) -> None:
        self._exporter = exporter
        self._redact = redact

    def encode_request(self, batch: Sequence[object]) -> Sequence[EncodedRequest]:
        """Return the batch as requests."""
        return self._exporter.encode_request(self._redact(batch))

    def send_request(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        """Send an encoded request."""
        return self._exporter.send_request(body, items, timeout_seconds)


def redacting_exporter(
    exporter: SignalExporter[Any], redact: RedactBatch, load: Callable[[], object]
) -> SignalExporter[Any]:
    """Return an exporter that receives items without secrets."""
    kind = RedactingLoadingExporter if isinstance(exporter, LoadingExporter) else RedactingExporter
    return kind(exporter, redact, load)
