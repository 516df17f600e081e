"""HTTP header that lists choices with weights → the weight of one choice (Accept, Accept-Encoding)."""

from __future__ import annotations


def weight(header: str, choice: str) -> float | None:
    """Return how much the header wants a choice, from 0 (refused) to 1; None when it does not name it.

    Parameters other than ``q`` do not matter; a weight that is no number counts as 0.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.accept
    """
    weights = [
        _quality(parameters)
        for name, *parameters in (part.split(";") for part in header.lower().split(","))
        if name.strip() == choice
    ]
    return max(weights, default=None)


def _quality(parameters: list[str]) -> float:
    text = next((text[2:] for part in parameters if (text := part.replace(" ", "")).startswith("q=")), "1")
    try:
        return float(text)
    except ValueError:
        return 0.0
