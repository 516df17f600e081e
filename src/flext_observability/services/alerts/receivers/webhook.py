"""Notifier that posts alerts as JSON to a webhook, signed if there is a secret."""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.guard import never_raises
from flext_observability.services.alerts.receivers.http import HttpNotifier
from flext_observability.services.alerts.receivers.payload import details_of, starts_at, text, to_json
from flext_observability.values.foreign import is_a, plain_text
from flext_observability.values.timestamps import format_rfc3339

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.domain.result import FlextResult
    from flext_observability.values.endpoint import Endpoint

VERSION: Final = "1"
SIGNATURE_HEADER: Final = "X-Flext-Signature"
SETTING: Final = "alert_webhook_url (FLEXT_OBSERVABILITY_ALERT_WEBHOOK_URL)"


@final
class WebhookNotifier(HttpNotifier):
    """Posts each alert as a JSON object. Used from one thread at a time.

    The object has ``version`` ("1"), ``status``, ``fingerprint``, ``sent_at`` and ``alert``: ``id``, ``name``,
    ``severity``, ``message``, ``source``, ``status``, ``escalation_level``, ``timestamp``, ``labels`` and ``details``.
    Path and query of the address are secrets in many products: no message shows them.
    """

    has_secret_path = True

    def __init__(
        self,
        url: str | Endpoint,
        *,
        timeout_seconds: float = 5.0,
        headers: Mapping[str, str] | None = None,
        secret: str | bytes | None = None,
    ) -> None:
        """Store the address. Opens nothing, and never raises: see ``config_error``.

        Args:
            url: Address; the default scheme is http. ``user:password@`` becomes basic authorization.
            timeout_seconds: Limit of one request.
            headers: Headers of every request.
            secret: Key of the header ``X-Flext-Signature: sha256=<HMAC-SHA256 of the body, hexadecimal>``, or None.
        """
        super().__init__(url, "", headers, timeout_seconds, SETTING)
        self._key = _to_key(secret)
        if secret is not None and self._key is None:
            self._reject("The secret is neither text nor bytes", "Pass str, bytes or None")

    @never_raises
    def notify(self, alert: FlextAlert, timeout_seconds: float) -> FlextResult[None]:
        """Post one alert.

        Returns:
            Success for a 2xx response, or a failure. Retryable: ``unreachable``, ``timeout``, ``invalid_response``,
            ``tls``, ``unavailable`` (for 429 and 5xx). Permanent: ``rejected``, ``unauthorized``, ``not_found``,
            ``invalid_address``.
        """
        body = to_json(_payload(alert, time.time_ns()))
        if self._key is None:
            return self._post(body, timeout_seconds)
        signature = f"sha256={hmac.digest(self._key, body, 'sha256').hex()}"
        return self._post(body, timeout_seconds, {SIGNATURE_HEADER: signature})


def _to_key(secret: object) -> bytes | None:
    """Return the secret as bytes; None without one, and for an object that is neither text nor bytes."""
    text = plain_text(secret)
    if text is not None:
        return text.encode(errors="surrogatepass")
    return memoryview(secret).tobytes() if is_a(secret, bytes) else None


def _payload(alert: FlextAlert, now_ns: int) -> dict[str, object]:
    return {
        "version": VERSION,
        "status": alert.status,
        "fingerprint": alert.fingerprint,
        "sent_at": format_rfc3339(now_ns),
        "alert": {
            "id": text(alert.id),
            "name": text(alert.name),
            "severity": alert.severity,
            "message": text(alert.message),
            "source": text(alert.source),
            "status": alert.status,
            "escalation_level": alert.escalation_level,
            "timestamp": format_rfc3339(starts_at(alert, now_ns)),
            "labels": {text(name): text(value) for name, value in alert.labels.items()},
            "details": details_of(alert),
        },
    }
