"""Value of a ``Retry-After`` field → seconds to wait (standard library only)."""

from __future__ import annotations

import time


def retry_after_seconds(value: str) -> float | None:
    """Return the wait that a ``Retry-After`` field asks for, in seconds from now; None when it holds neither seconds nor an HTTP date.

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
