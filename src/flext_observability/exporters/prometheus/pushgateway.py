"""Current totals → Prometheus text, which replaces the group of this process at a Pushgateway."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Final, final

from flext_observability.domain.report import Signal
from flext_observability.domain.result import FlextResult
from flext_observability.exporters.factory import METRICS_ONLY, BuiltInFactory
from flext_observability.exporters.prometheus.name_clashes import add_clash
from flext_observability.extensions.ports import ExporterUnavailable, ExportOutcome
from flext_observability.pipeline.http_outcome import HttpBackend, mask_outcome
from flext_observability.runtime.process_name import process_name
from flext_observability.wire.http.errors import TransportError
from flext_observability.wire.http.target import HttpTarget, http_target
from flext_observability.wire.prometheus.content_type import CLASSIC_TYPE
from flext_observability.wire.prometheus.labels import LabelCache
from flext_observability.wire.prometheus.pushgateway_grouping import group_path

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.wire.http.client import HttpTransport

_SETTING = "push_gateway (PROMETHEUS_PUSH_GATEWAY)"
_OTHER_PORT = f"Check the port in {_SETTING}: Pushgateways listen on 9091"
_GATEWAY = HttpBackend(
    "Pushgateway",
    _SETTING,
    {
        "bad_request": "Rename the metric in the message, or delete the group in which it has another type",
        "unauthorized": f"Put user:password@ before the host in {_SETTING}",
        "not_found": f"Set {_SETTING} to the base address of the Pushgateway, without /metrics",
        "too_large": "Raise the limit of the proxy before the Pushgateway, or record fewer series",
        "http2": _OTHER_PORT,
        "not_http": _OTHER_PORT,
    },
)
LOADED_MODULES = (
    "encodings.idna",  # resolution of host names
    "flext_observability.pipeline.shared_metric_reader",
    "flext_observability.wire.prometheus.from_points",
    "flext_observability.wire.prometheus.text",
)
_ON_CLASH: Final = partial(add_clash, "A push")


@final
class PushgatewayExporter:
    """Replaces one group at one Pushgateway.

    It is a ``FlushOnlyExporter``: it receives the current totals on each flush and on shutdown, never periodically.
    """

    reads_plain_points: ClassVar = True
    __slots__ = ("_cache", "_labels", "_target", "_transport")

    def __init__(self, target: HttpTarget, labels: Collection[str]) -> None:
        """Store the URL of the group and the names of its labels. The connection is opened by the first push."""
        self._target = target
        self._labels = frozenset(labels)
        self._cache = LabelCache()
        self._transport: HttpTransport | None = None

    def load_modules(self) -> None:
        """Import what pushes need, and read the certificates."""
        for module in LOADED_MODULES:
            import_module(module)
        self._open_transport().prepare()

    def export(self, batch: Sequence[MetricsData], timeout_seconds: float) -> ExportOutcome:
        """Replace the group by the last totals of the batch, which include the earlier ones."""
        from flext_observability.pipeline.shared_metric_reader import count_points
        from flext_observability.wire.prometheus.from_points import families
        from flext_observability.wire.prometheus.text import generate_text

        totals = families(batch[-1], reserved_labels=self._labels, cache=self._cache)
        page = generate_text(totals, openmetrics=False, on_clash=_ON_CLASH)
        transport = self._open_transport()
        body = page.encode(errors="replace")
        return self._send(transport, "PUT", body, sum(map(count_points, batch)), timeout_seconds)

    def delete_group(self, timeout_seconds: float) -> FlextResult[None]:
        """Delete the group. It has a connection of its own, as the worker may be using the other one.

        Args:
            timeout_seconds: Limit for the whole request.

        Returns:
            Success, also for a group that does not exist. The code of a failure is its reason in the ledger.
        """
        from flext_observability.wire.http.client import HttpTransport

        transport = HttpTransport(self._target)
        outcome = self._send(transport, "DELETE", b"", 0, timeout_seconds)
        transport.close()
        if not outcome.reason:
            return FlextResult[None].ok(None)
        return FlextResult[None].fail(outcome.message, code=outcome.reason, fix=outcome.fix)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def _open_transport(self) -> HttpTransport:
        if self._transport is None:
            from flext_observability.wire.http.client import HttpTransport

            self._transport = HttpTransport(self._target)
        return self._transport

    def _send(
        self, transport: HttpTransport, method: str, body: bytes, points: int, timeout_seconds: float
    ) -> ExportOutcome:
        try:
            reply = transport.request(method, body, timeout_seconds=timeout_seconds)
        except TransportError as error:
            return mask_outcome(_GATEWAY.from_error(error), self._target)
        if 200 <= reply.status < 300:
            return ExportOutcome(accepted=points)
        return mask_outcome(_GATEWAY.from_reply(reply, self._target.endpoint.display_url), self._target)


def create_exporter(_signal: Signal, config: FlextObservabilityConfig) -> PushgatewayExporter:
    """Return an exporter to the group of this process.

    Raises:
        ExporterUnavailable: The address or the grouping key is not valid.
    """
    endpoint = config.endpoints.get("push_gateway")
    if endpoint is None:
        raise ExporterUnavailable("no address is set", f"Set {_SETTING}, for example http://localhost:9091")
    job = config.push_gateway_job or config.service_name
    labels = grouping_key(config.push_gateway_grouping)
    try:
        path = group_path(job, labels)
    except ValueError as error:
        fix = "Use letters, digits and underscores in push_gateway_grouping, and set the job as push_gateway_job"
        raise ExporterUnavailable(str(error), fix) from error
    target = http_target(endpoint.join_path(path), headers={"Content-Type": CLASSIC_TYPE})
    return PushgatewayExporter(target, {"job", "instance", *labels})


def grouping_key(given: Mapping[str, str]) -> dict[str, str]:
    """Return the labels besides ``job``: those given and, in a child process, a distinct ``instance``.

    In a shared group, the last push would replace the totals of all other processes. The names of child processes
    are the same in each run, so groups do not accumulate.
    """
    child = process_name()
    if not child:
        return dict(given)
    own = given.get("instance", "")
    return {**given, "instance": f"{own}.{child}" if own else child}


factory: Final = BuiltInFactory(create_exporter, METRICS_ONLY)
