from __future__ import annotations

import pytest

from flext_observability.settings.unsupported_env import UNSUPPORTED, unsupported_env_notices


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_unsupported_variable_is_a_notice(name: str) -> None:
    (notice,) = unsupported_env_notices({name: "x"})
    assert name in notice.message
    assert notice.fix
    assert not notice.degrades


def test_blank_variable_is_not_set() -> None:
    (notice,) = unsupported_env_notices({"JAEGER_AGENT_HOST": "jaeger", "JAEGER_AGENT_PORT": " "})
    assert "OTLP" in notice.fix
