"""The notifiers of one alert service, from settings, container and calls; each has a queue of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.domain.result import FlextResult
from flext_observability.extensions.registry import notifier_registry
from flext_observability.runtime.internal_log import log_warning
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.services.alerts.notification_queue import NotificationQueue, NotifierStatus
from flext_observability.values.encoding import encode_tag, pairs_of, preview
from flext_observability.values.foreign import (
    attribute,
    is_mapping,
    is_one_of,
    method,
    plain_text,
    read_all,
    type_name,
)
from flext_observability.values.names import ALERT_SEVERITIES
from flext_observability.views.links import grafana_base

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.extensions.ports import FlextNotifier
    from flext_observability.settings.config import FlextObservabilityConfig

_MAX_NAME: Final = 100
_logger: Final = logging.getLogger("flext_observability.alerts")


@final
class NotifierSet:
    """The notifiers of one service, by name. Thread-safe."""

    def __init__(self, notified_alerts: Callable[[], Sequence[FlextAlert]], initial: object) -> None:
        """Add the initial notifiers.

        Args:
            notified_alerts: Returns the active alerts that notifiers have received.
            initial: A mapping of names to notifiers, a sequence of notifiers, one notifier, or None.
        """
        self._notified_alerts = notified_alerts
        self._lock = ForkSafeLock()
        self._queues: dict[str, NotificationQueue] = {}
        self._configured: set[str] = set()
        self._closed = False
        for name, notifier in _with_names(initial):
            self._add_or_log(name, notifier)

    def add(self, name: object, notifier: object, severities: object) -> FlextResult[None]:
        """Add a notifier, or replace the one of that name. Failure ``invalid_notifier``."""
        valid = _validate(name, notifier, severities)
        if valid.is_failure:
            return valid
        key = plain_text(name) or ""
        accepted = frozenset(() if severities is None else map(str, cast("Collection[str]", severities)))
        usable = _as_notifier(notifier)
        with self._lock:
            self._configured.discard(key)
            if key in self._queues:
                self._queues[key].set_notifier(usable, accepted)
            else:
                self._queues[key] = NotificationQueue(key, usable, accepted, self._notified_alerts)
        return valid

    def remove(self, name: object) -> FlextResult[None]:
        """Remove a notifier and drop its queued notifications. Failure ``unknown_notifier``."""
        with self._lock:
            known = ", ".join(self._queues) or "none"
            queue = self._queues.pop(plain_text(name) or "", None)
        if queue is None:
            message, fix = f"No notifier is named {preview(name)}", f"Use one of the known names ({known})"
            return FlextResult[None].fail(message, code="unknown_notifier", fix=fix)
        queue.schedule_resend(on=False)
        queue.drop_all()
        return FlextResult[None].ok(None)

    def configure(self, config: FlextObservabilityConfig) -> None:
        """Replace the notifiers of the previous settings by those of ``config``. Notifiers added by calls stay."""
        configured = _from_settings(config)
        before, self._configured, self._closed = self._configured, set[str](), False
        for name in before - configured.keys():
            self.remove(name)
        for name, notifier in configured.items():
            if name in before or name not in self._queues:
                self._add_or_log(name, notifier)
                self._configured.add(name)

    def notify(self, fingerprint: str, alert: FlextAlert) -> None:
        """Queue an alert for every notifier, without waiting."""
        for queue in self._all():
            if not (self._closed and queue.name in self._configured):
                queue.notify(fingerprint, alert)

    def check_hung(self) -> None:
        """Abandon notifier calls that hang."""
        for queue in self._all():
            queue.check_hung()

    def schedule_resend(self, *, on: bool) -> None:
        """Start or stop the periodic resending of active alerts to notifiers that need it."""
        with self._lock:  # a queue that is removed meanwhile must not be scheduled again
            for queue in self._queues.values():
                queue.schedule_resend(on=on)

    def begin_drain(self, deadline: float) -> None:
        """Skip back-off and send pending notifications immediately, before ``deadline`` (monotonic seconds)."""
        for queue in self._all():
            queue.begin_drain(deadline)

    def flush(self, deadline: float) -> bool:
        """Drain all queues, and return whether they were empty before ``deadline`` (monotonic seconds)."""
        self.begin_drain(deadline)
        drained = [queue.wait_drained(deadline) for queue in self._all()]
        return all(drained)

    def close(self, deadline: float) -> None:
        """Drain all queues and drop the remaining notifications. Notifiers of the settings get no further ones."""
        self._closed = True
        self.flush(deadline)
        for queue in self._all():
            queue.drop_all()

    def statuses(self) -> tuple[NotifierStatus, ...]:
        """Return the counts and the last error of each notifier."""
        return tuple(queue.status() for queue in self._all())

    def reinit_after_fork(self) -> None:
        """Keep the notifiers in a forked child, with empty queues."""
        for queue in self._all():
            queue.reinit_after_fork()

    def _all(self) -> list[NotificationQueue]:
        with self._lock:
            return list(self._queues.values())

    def _add_or_log(self, name: str, notifier: object) -> None:
        """Add a notifier, and log why it is unusable, as no caller gets a result."""
        error = self.add(name, notifier, None).error or plain_text(attribute(notifier, "config_error"))
        if error:
            log_warning(_logger, f"Notifier {name}: {error}")


def _from_settings(config: FlextObservabilityConfig) -> dict[str, object]:
    """Return the notifiers of the settings; log those that cannot be found."""
    configured: dict[str, object] = {}
    alertmanager = config.endpoints.get("alertmanager_url")
    if alertmanager is not None:
        from flext_observability.services.alerts.receivers.alertmanager import AlertmanagerNotifier

        labels = {"service": config.service_name, "environment": config.environment}
        link = grafana_base(config.grafana_url)
        configured["alertmanager"] = AlertmanagerNotifier(alertmanager, generator_url=link, labels=labels)
    webhook = config.endpoints.get("alert_webhook_url")
    if webhook is not None:
        from flext_observability.services.alerts.receivers.webhook import WebhookNotifier

        configured["webhook"] = WebhookNotifier(webhook)
    for name in config.alert_notifiers:
        found = notifier_registry().find(name)
        if found.success:
            configured[name] = found.unwrap()
        else:
            log_warning(_logger, f"Notifier {name} cannot be used: {found.error}")
    return configured


def _with_names(given: object) -> list[tuple[str, object]]:
    if given is None:
        return []
    if is_mapping(given):
        return [(encode_tag(name), notifier) for name, notifier in pairs_of(given)]
    notifiers = read_all(cast("Sequence[object]", given)) if issubclass(type(given), list | tuple) else [given]
    return [(_default_name(notifier, number), notifier) for number, notifier in enumerate(notifiers, start=1)]


def _default_name(notifier: object, number: int) -> str:
    own_name = plain_text(attribute(notifier, "__name__")) or type_name(notifier)
    name = encode_tag(own_name, max_bytes=_MAX_NAME - 10)
    return name if number == 1 else f"{name}_{number}"


def _as_notifier(given: object) -> FlextNotifier:
    if method(given, "notify") is not None:
        return cast("FlextNotifier", given)
    from flext_observability.services.alerts.receivers.callable import CallableNotifier

    return CallableNotifier(cast("Callable[[FlextAlert], object]", given))


def _validate(name: object, notifier: object, severities: object) -> FlextResult[None]:
    text = plain_text(name) or ""
    if not text.strip() or len(text) > _MAX_NAME:
        return _invalid(f" name: {preview(name)}", f"Use text of 1 to {_MAX_NAME} characters, such as 'pager'")
    if not callable(notifier) and method(notifier, "notify") is None:
        fix = "Use an object with notify(alert, timeout_seconds), or a function that takes an alert"
        return _invalid(f": {type_name(notifier)} cannot be called", fix)
    if severities is not None and not _are_severities(severities):
        fix = f"Use some of {', '.join(ALERT_SEVERITIES)}, such as ['critical']"
        return _invalid(f" severities: {preview(severities)}", fix)
    return FlextResult[None].ok(None)


def _are_severities(given: object) -> bool:
    if not issubclass(type(given), list | tuple | set | frozenset):
        return False
    return all(is_one_of(each, ALERT_SEVERITIES) for each in cast("Collection[object]", given))


def _invalid(detail: str, fix: str) -> FlextResult[None]:
    return FlextResult[None].fail(f"Invalid notifier{detail}", code="invalid_notifier", fix=fix)
