"""Plain arguments → validated entities, not emitted and not started (FlextObservabilityMasterFactory)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast, final

from pydantic import ValidationError

from flext_observability.domain.alert import FlextAlert
from flext_observability.domain.container import lookup
from flext_observability.domain.entity import Entity, tags_to_text
from flext_observability.domain.health_check import FlextHealthCheck
from flext_observability.domain.log_entry import FlextLogEntry
from flext_observability.domain.metric import FlextMetric
from flext_observability.domain.result import FlextResult
from flext_observability.domain.rules import InvalidField, Violation, to_result
from flext_observability.domain.trace import FlextTrace
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.exceptions import error_message
from flext_observability.values.foreign import copy_mapping, is_mapping, type_name
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.timestamps import from_unix_nanos

if TYPE_CHECKING:
    from decimal import Decimal

    from flext_observability.domain.container import Container

EntityT = TypeVar("EntityT", bound=Entity)

_LABELS: Final = {"metric_type": "metric type", "operation_name": "operation name", "service_name": "service name"}


class _Clock(Protocol):
    def time_ns(self) -> int: ...


@final
class FlextObservabilityMasterFactory:
    """Factory of entities.

    Every method checks types and rules. It returns the entity, or a failure with the code ``invalid_<kind>`` that names
    the field. It does not emit or start anything. ``tags`` are scalars, stored as text. An entity without a field for
    tags gets them in its context or details, where explicit names win.

    Args:
        container: Source of ``clock`` (an object with ``time_ns()``) and ``id_generator`` (a function that returns
            text). Default: the current time and random ids.
    """

    __slots__ = ("_container",)

    def __init__(self, container: Container | None = None) -> None:
        self._container = container

    def create_metric(
        self,
        name: str,
        value: float | Decimal,
        unit: str = "",
        tags: Mapping[str, object] | None = None,
        metric_type: str = "gauge",
    ) -> FlextResult[FlextMetric]:
        """Return a metric. For the arguments see ``FlextMetric``."""
        fields = {"name": name, "value": value, "unit": unit, "tags": _or_empty(tags), "metric_type": metric_type}
        return self._create(FlextMetric, lambda: fields)

    def create_trace(
        self,
        operation_name: str,
        service_name: str,
        context: Mapping[str, object] | None = None,
        parent_trace_id: str | None = None,
        *,
        tags: Mapping[str, object] | None = None,
    ) -> FlextResult[FlextTrace]:
        """Return a trace that is not started. For the arguments see ``FlextTrace``."""
        fields = {"operation_name": operation_name, "service_name": service_name, "parent_trace_id": parent_trace_id}
        return self._create(FlextTrace, lambda: {**fields, "context": _merged(tags, context)})

    def create_alert(
        self,
        name: str,
        severity: str,
        message: str,
        source: str = "",
        details: Mapping[str, object] | None = None,
        *,
        tags: Mapping[str, object] | None = None,
    ) -> FlextResult[FlextAlert]:
        """Return an alert. For the arguments see ``FlextAlert``."""
        fields = {"name": name, "severity": severity, "message": message, "source": source}
        return self._create(FlextAlert, lambda: {**fields, "details": _merged(tags, details)})

    def create_health_check(
        self,
        name: str,
        status: str = "healthy",
        message: str = "",
        details: Mapping[str, object] | None = None,
        *,
        tags: Mapping[str, object] | None = None,
    ) -> FlextResult[FlextHealthCheck]:
        """Return a health check. For the arguments see ``FlextHealthCheck``."""
        fields = {"name": name, "status": status, "message": message}
        return self._create(FlextHealthCheck, lambda: {**fields, "details": _merged(tags, details)})

    def create_log_entry(
        self,
        level: str,
        message: str,
        context: Mapping[str, object] | None = None,
        *,
        tags: Mapping[str, object] | None = None,
    ) -> FlextResult[FlextLogEntry]:
        """Return a log entry. For the arguments see ``FlextLogEntry``."""
        fields = {"level": level, "message": message}
        return self._create(FlextLogEntry, lambda: {**fields, "context": _merged(tags, context)})

    def _create(self, entity: type[EntityT], fields: Callable[[], dict[str, Any]]) -> FlextResult[EntityT]:
        try:
            created = entity(**fields(), **identity(self._container, entity))
        except ValidationError as error:
            violation = _explain(entity, error)
        except InvalidField as error:
            violation = Violation(f"{_words(entity.kind)} tags", error.message, error.fix)
        except BaseException as error:  # noqa: BLE001 - unreadable tags, or a clock or id generator that fails
            reraise_interrupt(error)
            violation = Violation(_words(entity.kind), error_message(error) or type_name(error), "")
        else:
            return created.validate_business_rules().map(lambda _: created)
        return cast("FlextResult[EntityT]", to_result(violation, entity.kind))


def identity(container: Container | None, entity: type[Entity]) -> dict[str, Any]:
    """Return the fields of a new entity that come from the container: id and time, if it has sources for them."""
    fields: dict[str, Any] = {}
    if (new_id := lookup(container, "id_generator")) is not None:
        fields["id"] = cast("Callable[[], str]", new_id)()
    if (clock := lookup(container, "clock")) is not None:
        fields[entity.time_field] = from_unix_nanos(cast("_Clock", clock).time_ns())
    return fields


def _or_empty(tags: object) -> object:
    return {} if tags is None else tags


def _merged(tags: object, given: object) -> object:
    """Return tags merged with context or details. Anything but a mapping is returned unchanged, for the type check."""
    texts = tags_to_text(_or_empty(tags))
    given = _or_empty(given)
    return {**texts, **cast("dict[str, object]", copy_mapping(given))} if is_mapping(given) else given


def _words(name: str) -> str:
    return name.replace("_", " ")


def _explain(entity: type[Entity], error: ValidationError) -> Violation:
    """Return the violation for the first field with an invalid type."""
    first = error.errors(include_url=False)[0]
    field = str(first["loc"][0])
    what = _LABELS.get(field, f"{_words(entity.kind)} {_words(field)}")
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, InvalidField):
        return Violation(what, cause.message, cause.fix)
    expected = first["msg"].removeprefix("Input should be ").replace("a valid ", "a ")
    return Violation(what, f"{type_name(first['input'])} is not {expected}", f"Use {expected}")


class _Shared:
    def __init__(self) -> None:
        self.factory = FlextObservabilityMasterFactory()


def get_global_factory() -> FlextObservabilityMasterFactory:
    """Return the factory of the process."""
    return current_runtime().get(_Shared).factory


def reset_global_factory() -> None:
    """Replace the factory of the process with a new one."""
    current_runtime().get(_Shared).factory = FlextObservabilityMasterFactory()
