"""Provider that another library installed first: our processors and readers are added to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.domain.report import Signal
    from flext_observability.providers.notices import Notices

_OWN: Final[Mapping[Signal, str]] = {
    "traces": "resource, sampler, limits and id generator",
    "metrics": "resource, views and exemplar filter",
    "logs": "resource and limits",
}
"""Settings that a provider of another library keeps."""


def adopt(notices: Notices, signal: Signal, provider: object, method: str, parts: Sequence[object]) -> bool:
    """Add processors or readers to a provider of another library; return whether it accepts them.

    Args:
        notices: Get a notice, in either case.
        signal: Signal of the provider.
        provider: Provider of the other library.
        method: Name of its method that adds a part.
        parts: Processors or readers.
    """
    name = f"{type(provider).__module__}.{type(provider).__qualname__}"
    try:
        for part in parts:
            getattr(provider, method)(part)
    except BaseException as error:  # noqa: BLE001 - a missing method, or an error in the method
        reraise_interrupt(error)
        reason = f"{name} was installed first and does not accept exporters ({describe_error(error)})"
        notices.degrade(
            signal,
            f"{signal} are not exported: {reason}",
            "Call init_observability before the other library, or give it an OpenTelemetry SDK provider",
        )
        return False
    notices.warn(
        signal,
        f"{name} was installed first and is used, with its own {_OWN[signal]}",
        "Call init_observability before the other library to use these settings",
    )
    return True
