"""UnusableParts: a log line and a notice for each part that a provider could not create."""

from __future__ import annotations

import pytest

from flext_observability.engine.unusable import MAX_PARTS, unusable_parts
from tests.hostile import Hostile


def test_a_part_is_logged_and_noticed(caplog: pytest.LogCaptureFixture) -> None:
    unusable_parts().add("traces", "tracer", "orders", ValueError("no"))
    (notice,) = unusable_parts().notices()
    assert (notice.signal, notice.degrades) == ("traces", True)
    assert notice.message == "The tracer orders cannot be created and discards its data: ValueError: no"
    assert "Creating the tracer orders failed: ValueError: no" in caplog.text


def test_a_name_of_any_type_is_shown() -> None:
    unusable_parts().add("metrics", "meter", Hostile(), ValueError("no"))
    assert "The meter <unprintable" in unusable_parts().notices()[0].message


def test_notices_are_bounded() -> None:
    for number in range(MAX_PARTS + 5):
        unusable_parts().add("metrics", "instrument", f"n{number}", ValueError("no"))
    assert len(unusable_parts().notices()) == MAX_PARTS


def test_notices_of_one_signal_are_dropped() -> None:
    for signal in ("traces", "metrics"):
        unusable_parts().add(signal, "part", "x", ValueError("no"))
    unusable_parts().clear("metrics")
    assert [notice.signal for notice in unusable_parts().notices()] == ["traces"]
