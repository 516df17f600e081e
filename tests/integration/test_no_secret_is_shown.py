"""A corpus of addresses, headers and secrets, through every setting and every place that shows text: none leaves.

The settings come from the field table, so a new one that takes an address, headers or a secret is covered.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from itertools import product

import pytest
from hypothesis import given, settings, strategies as st

from flext_observability import (
    FlextObservabilityConfig,
)
from flext_observability.domain.report import SIGNALS
from flext_observability.ops_server.serialization import settings_to_dict, to_json
from flext_observability.settings.config import FIELDS
from flext_observability.settings.fields import PREFIX, Field
from flext_observability.settings.masking import mask_value
from flext_observability.settings.otlp import EXPORTER_PROTOCOLS, otlp_settings
from flext_observability.settings.resolve import resolve
from flext_observability.values.secret_names import is_secret_name
from tests.integration.secret_corpus import (
    ADDRESS_ROWS,
    ADDRESSES,
    BASIC,
    ENCODED,
    HEADER_ROWS,
    MARK,
    MISPLACED,
    SECRET_ROWS,
    VALUES,
    assert_hidden,
    leaks,
)

pytestmark = pytest.mark.any_sdk


def test_the_check_finds_every_spelling() -> None:
    assert all(map(leaks, (MARK, f"x{MARK}y", "s3%63r3t", BASIC, f"Basic {BASIC}", *ENCODED)))
    assert all(leaks(base64.b64encode(f"{'x' * each}{MARK}y".encode()).decode()) for each in range(6))
    assert not leaks("http://***@host:4318")


def test_settings_for_addresses_and_secrets_have_their_types() -> None:
    named = [name for name in FIELDS if re.search(r"(url|endpoint|gateway)$", name)]
    assert named == [row.name for row in ADDRESS_ROWS]
    kept = {
        "otlp_headers",
        *(f"otlp_{signal}_headers" for signal in SIGNALS),
        "ops_token",
        "ops_password",
        "redaction_key",
    }
    assert kept == {row.name for row in (*HEADER_ROWS, *SECRET_ROWS)}
    assert {name for name in FIELDS if is_secret_name(name)} <= kept
    assert len(ADDRESSES) >= 60


FORMS = (
    "http://user:{}@host:4318/v1/traces",
    "user:{}@host:1",
    "https://u:{}@[::1]:1/x?a=b",
    "http://:{}@h",
    "//u:{}@h",
)

# Settings alone: every value as an argument, in a configuration object, and in each variable.


def resolved_texts(arguments: Mapping[str, object], environ: Mapping[str, str], name: str = "") -> Iterator[str]:
    """Yield every text that the resolution of settings gives; with a name, of this setting alone."""
    result = resolve(None, arguments, environ)
    yield f"{result.error} {result.code} {result.fix}"
    if result.is_failure:
        yield from (repr(result), str(result))
        return
    resolved = result.unwrap()
    yield repr((resolved.notices, resolved.config.endpoints))
    if not name:
        yield from (repr(result), to_json(settings_to_dict(resolved.config, resolved.sources)).decode())
        return
    value = mask_value(getattr(resolved.config, name), FIELDS[name].type)
    yield from (repr(value), to_json({name: value}).decode())
    if name.startswith("otlp_") and name.endswith(("endpoint", "headers")):
        for signal, protocol in product(SIGNALS, EXPORTER_PROTOCOLS.values()):
            yield repr(otlp_settings(resolved.config, signal, protocol))


@pytest.mark.parametrize("row", FIELDS.values(), ids=FIELDS)
def test_no_secret_in_the_resolution_of(row: Field) -> None:
    for value in VALUES[row.name]:
        config = FlextObservabilityConfig(**{row.name: value})
        assert_hidden((repr(config), str(config)), value)
        assert_hidden(resolved_texts({row.name: value}, {}, row.name), value)
        if isinstance(value, str):
            for variable in row.variables:
                assert_hidden(resolved_texts({}, {variable.name: value}, row.name), (variable.name, value))


@pytest.mark.parametrize("number", range(12))
def test_no_secret_in_the_resolution_of_all_settings_together(number: int) -> None:
    values = {name: values[number % len(values)] for name, values in VALUES.items()}
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    assert_hidden(resolved_texts(values, {}), number)
    assert_hidden(resolved_texts({}, {f"{PREFIX}{name.upper()}": value for name, value in texts.items()}), number)
    assert_hidden((repr(FlextObservabilityConfig(**values)),), number)


@given(
    password=st.text(st.sampled_from("aZ0/#?@: %\\\"'[]=&;,.-_~\t\n<>|{}é"), max_size=6), form=st.sampled_from(FORMS)
)
@settings(max_examples=400)
def test_no_part_of_any_password_is_shown(password: str, form: str) -> None:
    for text in (form.format(f"{MARK}{password}"), form.format(f"{password}{MARK}")):
        for name in ("otlp_endpoint", "alert_webhook_url"):
            assert_hidden(resolved_texts({name: text}, {}, name), text)


def test_no_secret_of_names_that_are_not_settings() -> None:
    for text in MISPLACED:
        assert_hidden(resolved_texts({text: 1, f"{text}_": text}, {f"{PREFIX}X": text}), text)
