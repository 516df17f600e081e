from __future__ import annotations

import pytest

from flext_observability.settings.unsupported_env import IGNORED, ignored_notices


@pytest.mark.parametrize("name", IGNORED)
def test_a_variable_that_nothing_honours_is_answered(name: str) -> None:
    (notice,) = ignored_notices({name: "x"})
    assert name in notice.message
    assert notice.fix
    assert not notice.degrades


def test_jaeger_agent_is_answered_with_otlp() -> None:
    (notice,) = ignored_notices({"JAEGER_AGENT_HOST": "jaeger", "JAEGER_AGENT_PORT": " "})
    assert "OTLP" in notice.fix
