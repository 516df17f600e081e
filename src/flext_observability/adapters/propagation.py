"""Context → headers of a carrier, and back, through OTel's global propagator (OTel API only)."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any, Final, TypeVar, cast, overload

from opentelemetry.context import Context, get_current

from flext_observability.adapters.carrier import Carrier, HeaderGetter, HeaderSetter, read_carrier
from flext_observability.adapters.id_holder import with_enclosing_holder
from flext_observability.domain.result import compose_message
from flext_observability.runtime.internal_log import report_once, warn_once
from flext_observability.runtime.otel_import import import_without_otel_env
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

PairT = TypeVar("PairT", bound=tuple[object, object])

_logger: Final = logging.getLogger("flext_observability")
_WRITE: Final = "Writing context into a carrier"
_READ: Final = "Reading context from a carrier"
_WRITE_FIX: Final = "Pass a dict, or a list of (name, value) pairs"


@overload
def inject_context(carrier: MutableMapping[str, str]) -> MutableMapping[str, str]: ...


@overload
def inject_context(carrier: MutableMapping[bytes, bytes]) -> MutableMapping[bytes, bytes]: ...


@overload
def inject_context(carrier: list[PairT]) -> list[PairT]: ...


def inject_context(carrier: object) -> object:
    """Write trace context, baggage and correlation id of the current context into a carrier.

    A header that the carrier has in another case is replaced.

    Args:
        carrier: An object with item assignment, such as request headers, or a list of pairs, such as Kafka headers.
            Bytes are written if its names or values are bytes; to an empty list, names in text and values in bytes.

    Returns:
        The same carrier, for ``headers=inject_context({})``. Another object is left unchanged, and a warning is logged.

    Source: https://opentelemetry.io/docs/specs/otel/context/api-propagators/#inject
    """
    setter = HeaderSetter()
    try:
        import_without_otel_env("opentelemetry.propagate").inject(carrier, setter=setter)
    except BaseException as error:  # noqa: BLE001 - a foreign propagator
        reraise_interrupt(error)
        report_once(_WRITE, error)
    if setter.error is not None:
        message = compose_message(f"{_WRITE} failed: {describe_error(setter.error)}", _WRITE_FIX)
        warn_once(_logger, message, key=(_WRITE, type(setter.error).__name__))
    return carrier


def extract_context(carrier: Carrier) -> Context:
    """Read trace context, baggage and correlation id from a carrier.

    Args:
        carrier: Names and values in text or bytes, names in any case: a mapping, such as request headers or a WSGI
            environment, or pairs, such as the headers of an ASGI scope or of a Kafka record. A value can be a list.

    Returns:
        A context for ``traced(…, parent=…)`` or OpenTelemetry's ``attach``. Invalid values are left out. Without
        a correlation id, it has the one of the current ``correlation_scope``, request or span. An invalid carrier gives
        the current context.

    Source: https://opentelemetry.io/docs/specs/otel/context/api-propagators/#extract
    """
    try:
        propagate: Any = import_without_otel_env("opentelemetry.propagate")
        reading = read_carrier(carrier, lambda: propagate.get_global_textmap().fields)
        headers = reading.headers
        if reading.error is not None:
            report_once(_READ, reading.error)
            if not headers:
                return get_current()
        extracted = cast("Context", propagate.extract(headers, get_current(), HeaderGetter()))
    except BaseException as error:  # noqa: BLE001 - a foreign propagator
        reraise_interrupt(error)
        report_once(_READ, error)
        return get_current()
    return with_enclosing_holder(extracted)
