"""Settings, container and what users add → the notifiers of one alert service, each with its own delivery."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.domain.result import FlextResult
from flext_observability.extensions.registry import find_notifier
from flext_observability.runtime.internal_log import log_warning
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.scheduler import scheduler
from flext_observability.services.alerts.notification_queue import Delivery, NotifierStatus
from flext_observability.values.encoding import encode_tag, preview
from flext_observability.values.names import ALERT_SEVERITIES

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.extensions.ports import FlextNotifier
    from flext_observability.settings.config import FlextObservabilityConfig

_MAX_NAME: Final = 100
_logger: Final = logging.getLogger("flext_observability.alerts")


@final
class Notifiers:
    """The notifiers of one service, by name; safe from threads."""

    def __init__(self, active: Callable[[], Sequence[FlextAlert]], first: object) -> None:
        """Take the first notifiers.

        Args:
            active: Returns the alerts that were told and are active.
            first: A mapping of names to notifiers, a sequence of them, one of them, or None.
        """
        self._active = active
        self._lock = ForkSafeLock()
        self._deliveries: dict[str, Delivery] = {}
        self._of_settings: set[str] = set()
        self._refreshed: set[str] = set()
        self._closed = False
        for name, notifier in _with_names(first):
            self._take(name, notifier, None)

    def add(self, name: object, notifier: object, severities: object) -> FlextResult[None]:
        """Add a notifier, or put it in the place of one of that name; failure ``invalid_notifier``."""
        wrong = _wrong_name(name) or _wrong_notifier(notifier) or _wrong_severities(severities)
        if wrong:
            return FlextResult[None].fail(f"Invalid notifier{wrong}", code="invalid_notifier")
        key, only = cast("str", name), frozenset(cast("Collection[str]", severities or ()))
        made = _as_notifier(notifier)
        with self._lock:
            self._of_settings.discard(key)
            if key in self._deliveries:
                self._deliveries[key].use(made, only)
            else:
                self._deliveries[key] = Delivery(key, made, only, self._active)
        return FlextResult[None].ok(None)

    def remove(self, name: object) -> FlextResult[None]:
        """Take a notifier away; what waits for it is given up. Failure ``unknown_notifier``."""
        with self._lock:
            known = ", ".join(self._deliveries) or "none"
            delivery = self._deliveries.pop(name, None) if isinstance(name, str) else None
        if delivery is None:
            message = f"No notifier is named {preview(name)}: use one of the known names ({known})"
            return FlextResult[None].fail(message, code="unknown_notifier")
        scheduler().cancel(_job(delivery))
        self._refreshed.discard(delivery.name)
        delivery.drop()
        return FlextResult[None].ok(None)

    def configure(self, config: FlextObservabilityConfig) -> None:
        """Take the notifiers of the settings in place of those of the settings before."""
        chosen = dict(_chosen(config))
        before, self._of_settings, self._closed = self._of_settings, set[str](), False
        for name in before - chosen.keys():
            self.remove(name)
        for name, notifier in chosen.items():
            if name in before or name not in self._deliveries:  # one added by hand stays
                self._take(name, notifier, None)
                self._of_settings.add(name)

    def tell(self, fingerprint: str, alert: FlextAlert) -> None:
        """Hand an alert to all, without waiting."""
        for delivery in self._all():
            if not (self._closed and delivery.name in self._of_settings):
                delivery.tell(fingerprint, alert)

    def look_after(self) -> None:
        """Leave calls that hang to themselves."""
        for delivery in self._all():
            delivery.look_after()

    def schedule_resend(self, *, on: bool) -> None:
        """Tell receivers that forget, now and then, what is active; or stop that."""
        for delivery in self._all():
            if on and delivery.refresh_seconds and delivery.name not in self._refreshed:
                self._refreshed.add(delivery.name)
                scheduler().schedule(_job(delivery), delivery.refresh_seconds, delivery.refresh)
            elif not on and delivery.name in self._refreshed:
                self._refreshed.discard(delivery.name)
                scheduler().cancel(_job(delivery))

    def hurry(self, deadline: float) -> None:
        """Try at once whatever waits, and wait for nothing before ``deadline`` (monotonic seconds)."""
        for delivery in self._all():
            delivery.hurry(deadline)

    def flush(self, deadline: float) -> bool:
        """Hurry; whether all was told before ``deadline`` (monotonic seconds)."""
        self.hurry(deadline)
        finished = [delivery.finish(deadline) for delivery in self._all()]
        return all(finished)

    def close(self, deadline: float) -> None:
        """Flush; what is left is given up, counted and said. Notifiers of the settings hear of nothing more."""
        self.schedule_resend(on=False)
        self._closed = True
        self.flush(deadline)
        for delivery in self._all():
            delivery.drop()

    def statuses(self) -> tuple[NotifierStatus, ...]:
        """Return what became of the alerts for each."""
        return tuple(delivery.status() for delivery in self._all())

    def reinit_after_fork(self) -> None:
        """Begin without alerts in a forked child; the notifiers stay."""
        for delivery in self._all():
            delivery.reinit_after_fork()

    def _all(self) -> list[Delivery]:
        with self._lock:
            return list(self._deliveries.values())

    def _take(self, name: str, notifier: object, severities: object) -> None:
        """Add a notifier that nobody waits for an answer about: what is wrong is said in the log."""
        added = self.add(name, notifier, severities)
        problem = added.error or cast("str", getattr(notifier, "problem", ""))
        if problem:
            log_warning(_logger, f"Notifier {name}: {problem}")


def _chosen(config: FlextObservabilityConfig) -> list[tuple[str, object]]:
    """Return the notifiers that the settings ask for; a name that leads nowhere is said in the log."""
    chosen: list[tuple[str, object]] = []
    alertmanager = config.endpoints.get("alertmanager_url")
    if alertmanager is not None:
        from flext_observability.services.alerts.receivers.alertmanager import AlertmanagerNotifier

        labels = {"service": config.service_name, "environment": config.environment}
        notifier = AlertmanagerNotifier(alertmanager, generator_url=config.grafana_url, labels=labels)
        chosen.append(("alertmanager", notifier))
    webhook = config.endpoints.get("alert_webhook_url")
    if webhook is not None:
        from flext_observability.services.alerts.receivers.webhook import WebhookNotifier

        chosen.append(("webhook", WebhookNotifier(webhook)))
    for name in config.alert_notifiers:
        found = find_notifier(name)
        if found.success:
            chosen.append((name, found.unwrap()))
        else:
            log_warning(_logger, f"Notifier {name} cannot be used: {found.error}")
    return chosen


def _with_names(given: object) -> list[tuple[str, object]]:
    if given is None:
        return []
    if isinstance(given, Mapping):
        return list(cast("Mapping[str, object]", given).items())
    many = list(cast("Sequence[object]", given)) if isinstance(given, list | tuple) else [given]
    return [(_name_of(notifier, number), notifier) for number, notifier in enumerate(many, start=1)]


def _name_of(notifier: object, number: int) -> str:
    name = encode_tag(getattr(notifier, "__name__", type(notifier).__name__), max_bytes=_MAX_NAME - 10)
    return name if number == 1 else f"{name}_{number}"


def _as_notifier(given: object) -> FlextNotifier:
    if callable(getattr(given, "notify", None)):
        return cast("FlextNotifier", given)
    from flext_observability.services.alerts.receivers.callable import CallableNotifier

    return CallableNotifier(cast("Callable[[FlextAlert], object]", given))


def _wrong_name(name: object) -> str:
    if isinstance(name, str) and name.strip() and len(name) <= _MAX_NAME:
        return ""
    return f" name: {preview(name)}; use text of 1 to {_MAX_NAME} characters, such as 'pager'"


def _wrong_notifier(given: object) -> str:
    if callable(given) or callable(getattr(given, "notify", None)):
        return ""
    allowed = "an object with notify(alert, timeout_seconds), or a function that takes an alert"
    return f": {type(given).__name__} cannot be called; use {allowed}"


def _wrong_severities(given: object) -> str:
    if given is None:
        return ""
    shown = preview(given)
    if isinstance(given, list | tuple | set | frozenset) and set(cast("list[object]", given)) <= set(ALERT_SEVERITIES):
        return ""
    return f" severities: {shown}; use some of {', '.join(ALERT_SEVERITIES)}, such as ['critical']"


def _job(delivery: Delivery) -> str:
    return f"flext-alerts-{delivery.name}-{id(delivery)}"
