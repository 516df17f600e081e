from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from flext_observability.wire.http.retry_after import retry_after_seconds


def test_seconds_to_wait() -> None:
    assert retry_after_seconds(" 12 ") == 12.0
    assert retry_after_seconds("9" * 30) == 999_999_999.0
    later = retry_after_seconds(formatdate(time.time() + 30, usegmt=True))
    assert later is not None
    assert 25 < later <= 30
    assert retry_after_seconds(formatdate(time.time() - 30, usegmt=True)) == 0.0


@pytest.mark.parametrize("value", ["", "soon", "-3", "1.5", "٣", "Mon, 99 Foo 2020 00:00:00 GMT"])
def test_no_wait_that_can_be_read(value: str) -> None:
    assert retry_after_seconds(value) is None
