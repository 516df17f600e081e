from __future__ import annotations

import pytest

from flext_observability.domain.log_entry import FlextLogEntry


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("trace", "trace"),
        ("DEBUG", "debug"),
        ("Info", "info"),
        ("warn", "warning"),
        ("WARNING", "warning"),
        ("error", "error"),
        ("FATAL", "critical"),
        ("critical", "critical"),
    ],
)
def test_levels_are_valid_in_any_case_and_kept(level: str, severity: str) -> None:
    entry = FlextLogEntry(level=level, message="started")

    assert entry.validate_business_rules().success
    assert (entry.level, entry.severity) == (level, severity)


@pytest.mark.parametrize(
    ("level", "message", "prefix"),
    [
        ("loud", "started", "Invalid log level: 'loud'"),
        ("", "started", "Invalid log level: "),
        ("info", " ", "Invalid log message: "),
    ],
)
def test_broken_rules_are_named(level: str, message: str, prefix: str) -> None:
    result = FlextLogEntry(level=level, message=message).validate_business_rules()

    assert result.code == "invalid_log"
    assert str(result.error).startswith(prefix)
