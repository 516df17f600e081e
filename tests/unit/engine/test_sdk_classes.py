"""Our classes in ``isinstance`` checks against those of the SDK."""

from __future__ import annotations

import pytest

from flext_observability.engine.sdk_classes import PAIRS, metric_pairs, register_sdk_classes

ALL_PAIRS = (*PAIRS, *metric_pairs())


@pytest.mark.parametrize(("base", "ours"), ALL_PAIRS)
def test_ours_counts_as_the_class_of_the_sdk(base: type, ours: type) -> None:
    register_sdk_classes()
    assert issubclass(ours, base)


@pytest.mark.parametrize(("base", "ours"), ALL_PAIRS)
def test_ours_counts_as_no_other_class(base: type, ours: type) -> None:
    register_sdk_classes()
    others = {other for other, _ in ALL_PAIRS if other is not base}
    assert not any(issubclass(ours, other) for other in others)
