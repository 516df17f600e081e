from __future__ import annotations

from typing import Any

import pytest

from flext_observability.settings.config import FIELDS
from flext_observability.settings.masking import mask_repr, mask_value
from flext_observability.settings.types import HEADERS, KEY_VALUE_LIST, NAMES, SECRET, TEXT, FieldType
from tests.hostile import Hostile

WEBHOOK = FIELDS["alert_webhook_url"].type
ENDPOINT = FIELDS["otlp_endpoint"].type


@pytest.mark.parametrize(
    ("field_type", "value", "expected"),
    [
        (SECRET, "abc", "***"),
        (SECRET, "", ""),
        (SECRET, {"abc": 1}, "***"),
        (HEADERS, {"x-key": "abc", 5: 1}, {"x-key": "***", "5": "***"}),
        (HEADERS, "x-key=abc", "***"),
        (ENDPOINT, "http://me:pa/ss@host/v1?a=b", "http://***@host/v1?***"),
        (WEBHOOK, "https://hooks.example/services/plain", "https://hooks.example/…"),
        (TEXT, "http://me:pass@host/x?a=b", "http://***@host/x?a=b"),
        (KEY_VALUE_LIST, {"dbPassword": "abc", "n": 1}, {"dbPassword": "***", "n": 1}),
        (KEY_VALUE_LIST, {"url": "//a:b@c"}, {"url": "//***@c"}),
        (KEY_VALUE_LIST, {"a:b@c": {"token": b"x"}}, {"***@c": {"token": "***"}}),
        (NAMES, ("a", "token=b"), ("a", "token=***")),
        (NAMES, ["a", 5], ["a", 5]),
        (TEXT, 5, 5),
    ],
)
def test_values_are_shown_without_secrets(field_type: FieldType[Any], value: object, expected: object) -> None:
    assert mask_value(value, field_type) == expected
    assert mask_repr(value, field_type) == repr(expected)


def test_repr_of_an_object_that_raises() -> None:
    assert mask_repr(Hostile(), TEXT) == "Hostile"


def test_repr_of_an_object_is_masked() -> None:
    class Address:
        def __repr__(self) -> str:
            return "Address('http://me:pass@host')"

    assert mask_repr(Address(), TEXT) == "Address('http://***@host')"
