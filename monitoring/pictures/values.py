"""Numbers with a unit of Grafana → short text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_SUFFIXES: Final[Mapping[str, str]] = {
    "reqps": " req/s",
    "ops": "/s",
    "cps": "/s",
    "cores": " cores",
    "short": "",
    "": "",
}
_SECONDS: Final = ((86400.0, " d"), (3600.0, " h"), (60.0, " min"), (1.0, " s"), (1e-3, " ms"), (0.0, " µs"))
_BYTES: Final = ((1024.0**3, " GiB"), (1024.0**2, " MiB"), (1024.0, " KiB"), (0.0, " B"))
_THOUSANDS: Final = ((1e9, " G"), (1e6, " M"), (1e3, " k"), (0.0, ""))


def shown(value: float, unit: str) -> str:
    """Return a value with its unit, in at most four digits."""
    if unit == "percentunit":
        return f"{_digits(value * 100)} %"
    if unit in {"s", "ms"}:
        return _scaled(value if unit == "s" else value / 1000, _SECONDS, minimum=1e-6)
    if unit in {"bytes", "Bps"}:
        return _scaled(value, _BYTES, minimum=1.0) + ("/s" if unit == "Bps" else "")
    return _scaled(value, _THOUSANDS, minimum=1.0) + _SUFFIXES.get(unit, f" {unit}")


def _scaled(value: float, steps: tuple[tuple[float, str], ...], *, minimum: float) -> str:
    for size, suffix in steps:
        if abs(value) >= size and (size or suffix or value):
            return _digits(value / (size or minimum)) + suffix
    return "0"


def _digits(value: float) -> str:
    if value == 0:
        return "0"
    places = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
