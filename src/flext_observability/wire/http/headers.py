"""Values of HTTP header fields → quality of a choice (Accept, Accept-Encoding), seconds to wait (Retry-After)."""

from __future__ import annotations

import time


def quality(header: str, choice: str) -> float | None:
    """Return the quality of a choice in an ``Accept`` or ``Accept-Encoding`` header, from 0 (not acceptable) to 1.

    Parameters other than ``q`` are ignored. A quality that is not a number counts as 0.

    Returns:
        The highest quality given for the choice; None when the header does not name it.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.accept
    """
    qualities = [
        parse_quality(_find_quality(parameters))
        for name, *parameters in (part.split(";") for part in header.lower().split(","))
        if name.strip() == choice
    ]
    return max(qualities, default=None)


def parse_retry_after(value: str) -> float | None:
    """Return the wait that a ``Retry-After`` header requests, in seconds from now.

    Returns:
        None when the value is neither a number of seconds nor an HTTP date.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    from email.utils import parsedate_to_datetime

    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None


def parse_quality(text: str) -> float:
    """Return a quality value; 0 for a text that is not a number."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def _find_quality(parameters: list[str]) -> str:
    return next((text[2:] for part in parameters if (text := part.replace(" ", "")).startswith("q=")), "1")
