"""Notifier that posts alerts to the v2 API of an Alertmanager."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.guard import never_raises
from flext_observability.domain.result import FlextResult
from flext_observability.services.alerts.receivers.http import HttpNotifier
from flext_observability.services.alerts.receivers.payload import details_text, starts_at, text, to_json
from flext_observability.values.encoding import encode_tag, pairs_of
from flext_observability.values.foreign import is_mapping
from flext_observability.values.timestamps import format_rfc3339

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.values.endpoint import Endpoint

REFRESH_SECONDS: Final = 60.0
_EXPIRES_AFTER_NS: Final = int(4 * REFRESH_SECONDS * 1e9)
_BATCH: Final = 100
_MAX_SENT: Final = 20_000
_MAX_VALUE_BYTES: Final = 1024
_RESERVED: Final = ("alertname", "severity", "source")
_PATH: Final = "/api/v2/alerts"
SETTING: Final = "alertmanager_url (ALERTMANAGER_URL)"

Labels = dict[str, str]


@final
class AlertmanagerNotifier(HttpNotifier):
    """Posts alerts to an Alertmanager. Used from one thread at a time.

    Labels: ``alertname``, ``severity``, ``source``, those of the alert (``details["labels"]``) and those given here. In
    their names, other characters than ``[a-zA-Z0-9_]`` become ``_``. Annotations: ``summary``, ``description``,
    ``status``, ``escalation_level``, ``details`` (JSON text) and ``trace``. The Alertmanager resolves an alert that is
    not sent again within four minutes.

    Attributes:
        refresh_seconds: Time between two calls of ``notify_all``.

    Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
    """

    refresh_seconds = REFRESH_SECONDS

    def __init__(
        self,
        url: str | Endpoint,
        *,
        timeout_seconds: float = 5.0,
        generator_url: str = "",
        labels: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Store the address. Opens nothing, and never raises: see ``config_error``.

        Args:
            url: Base address, with its path prefix; the default scheme is http. ``user:password@`` becomes basic
                authorization.
            timeout_seconds: Limit of one request.
            generator_url: Target of the link "Source" in the Alertmanager for alerts raised outside a trace.
            labels: Further labels of every alert, such as ``service``. Labels of the alert have precedence.
            headers: Headers of every request, such as ``Authorization: Bearer …``.
        """
        super().__init__(url, _PATH, headers, timeout_seconds, SETTING)
        self._generator_url = text(generator_url, 2048)
        pairs = pairs_of(labels) if is_mapping(labels) else ()
        self._labels = {_label_name(encode_tag(name)): _value(value) for name, value in pairs}
        # Label sets that may be active in the Alertmanager, to which another severity is another alert.
        self._sent: dict[str, list[Labels]] = {}

    @never_raises
    def notify(self, alert: FlextAlert, timeout_seconds: float) -> FlextResult[None]:
        """Post one alert. The same alert under an earlier severity is resolved in the same request.

        Returns:
            Success, or a failure. Retryable: ``unreachable``, ``timeout``, ``unavailable``, ``invalid_response``,
            ``tls``. Permanent: ``rejected``, ``unauthorized``, ``not_found``, ``invalid_address``.
        """
        return self._send_alerts([alert], timeout_seconds)

    @never_raises
    def notify_all(self, alerts: Sequence[FlextAlert], timeout_seconds: float) -> FlextResult[None]:
        """Post active alerts again, so that the Alertmanager does not resolve them. Failures as of ``notify``."""
        deadline = time.monotonic() + timeout_seconds
        for start in range(0, len(alerts), _BATCH):
            posted = self._send_alerts(alerts[start : start + _BATCH], deadline - time.monotonic())
            if posted.is_failure:
                return posted
        return FlextResult[None].ok(None)

    def _send_alerts(self, alerts: Sequence[FlextAlert], seconds: float) -> FlextResult[None]:
        now_ns = time.time_ns()
        rows: list[dict[str, object]] = []
        for alert in alerts:
            labels = self._labels_of(alert)
            others = [each for each in self._sent.pop(alert.fingerprint, []) if each != labels]
            self._sent[alert.fingerprint] = [*others, labels]
            rows += [
                self._row(alert, labels, now_ns),
                *(self._row(alert, each, now_ns, resolved=True) for each in others),
            ]
        while len(self._sent) > _MAX_SENT:
            del self._sent[next(iter(self._sent))]
        posted = self._post(to_json(rows), seconds)
        if posted.success:
            for alert in alerts:
                self._remove_earlier(alert)
        return posted

    def _remove_earlier(self, alert: FlextAlert) -> None:
        labels = self._sent.pop(alert.fingerprint)[-1]
        if alert.status != "resolved":
            self._sent[alert.fingerprint] = [labels]

    def _row(self, alert: FlextAlert, labels: Labels, now_ns: int, *, resolved: bool = False) -> dict[str, object]:
        ends = now_ns if resolved or alert.status == "resolved" else now_ns + _EXPIRES_AFTER_NS
        return {
            "labels": labels,
            "annotations": _annotations(alert),
            "startsAt": format_rfc3339(starts_at(alert, now_ns)),
            "endsAt": format_rfc3339(ends),
            "generatorURL": _trace_url(alert) or self._generator_url,
        }

    def _labels_of(self, alert: FlextAlert) -> Labels:
        identity = {"alertname": _value(alert.name), "severity": alert.severity, "source": _value(alert.source)}
        labels = {**self._labels, **_alert_labels(alert), **identity}
        return {name: value for name, value in labels.items() if value}


def _alert_labels(alert: FlextAlert) -> Labels:
    labels: Labels = {}
    for name, value in alert.labels.items():
        label = base = _label_name(name)
        number = 2
        while label in labels:  # "a.b" and "a-b" both become "a_b"
            label, number = f"{base}_{number}", number + 1
        labels[label] = _value(value)
    return labels


def _annotations(alert: FlextAlert) -> dict[str, str]:
    first_line = alert.message.strip().partition("\n")[0]
    found = {
        "summary": text(first_line, 200),
        "description": text(alert.message),
        "status": alert.status,
        "escalation_level": str(alert.escalation_level) if alert.escalation_level else "",
        "details": details_text(alert),
        "trace": _trace_url(alert),
    }
    return {name: value for name, value in found.items() if value}


def _trace_url(alert: FlextAlert) -> str:
    return text(alert.details.get("trace_url") or "", 2048)


def _label_name(name: str) -> str:
    label = re.sub(r"[^a-zA-Z0-9_]", "_", encode_tag(name, max_bytes=200)) or "_"
    label = f"_{label}" if label[0].isdigit() else label
    # Prometheus reserves names that begin with two underscores.
    return f"label_{label.lstrip('_')}" if label in _RESERVED or label.startswith("__") else label


def _value(value: object) -> str:
    whole = encode_tag(value, max_bytes=1 << 20)
    if len(whole.encode()) <= _MAX_VALUE_BYTES:
        return whole
    # The hash distinguishes long values with the same beginning.
    return f"{encode_tag(whole, max_bytes=_MAX_VALUE_BYTES - 20)} {sha256(whole.encode()).hexdigest()[:16]}"
