"""Any value of any setting: ``resolve`` never raises, and reports invalid values."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings, strategies as st

from flext_observability.domain.report import SIGNALS
from flext_observability.settings.config import FIELDS, set_fields
from flext_observability.settings.otlp import default_protocol, otlp_settings
from flext_observability.settings.resolve import ResolvedSettings, resolve
from flext_observability.settings.unsupported_env import UNSUPPORTED
from flext_observability.values.encoding import preview
from flext_observability.values.masking import mask_secrets

quick = settings(deadline=None, database=None, max_examples=150)


FIELD_OF = {variable.name: row.name for row in FIELDS.values() for variable in row.variables}
WORDS = st.sampled_from(
    (
        "true",
        "0",
        "-1",
        "7",
        "0.5",
        "1e400",
        "nan",
        "none",
        "otlp",
        "grpc",
        "traceidratio",
        "always_on",
        "gzip",
        "DEBUG",
    )
) | st.sampled_from(("http://h:4317", "h:4318", "//", "http://[", "a=b", "a", "=,", "%ZZ=%", "a=%0A", "\udc80"))
TEXTS = st.one_of(WORDS, st.text(), st.text(st.sampled_from("ab=,%:/@[]. 019")))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**4000),
    st.floats(),
    TEXTS,
    st.binary(),
    st.just(Decimal("NaN")),
    st.builds(object),
)
OBJECTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.sampled_from(SIGNALS), inner, max_size=3),
    max_leaves=5,
)


def check(resolved: ResolvedSettings) -> None:
    """Check that every field has a value and every signal valid OTLP settings."""
    assert len(set_fields(resolved.config)) == len(FIELDS)
    for signal in SIGNALS:
        assert otlp_settings(resolved.config, signal, default_protocol(resolved.config, signal)).timeout_seconds > 0
        assert all(isinstance(name, str) for name in resolved.config.exporters[signal])
    for notice in resolved.notices:
        notice.message.encode()


@quick
@given(st.sampled_from(sorted(FIELD_OF)), TEXTS)
def test_any_text_in_one_variable_is_used_or_a_notice(variable: str, text: str) -> None:
    resolved = resolve(None, {}, {variable: text}).unwrap()
    check(resolved)
    used = resolved.sources[FIELD_OF[variable]] == variable
    noted = any(variable in notice.message for notice in resolved.notices)
    assert used or noted or not text.strip()


@quick
@given(st.dictionaries(st.sampled_from([*FIELD_OF, *UNSUPPORTED]), TEXTS, max_size=12))
def test_any_texts_in_many_variables(environ: dict[str, str]) -> None:
    check(resolve(None, {}, environ).unwrap())


@quick
@given(st.sampled_from(sorted(FIELDS)), OBJECTS)
def test_any_object_for_one_argument_is_used_or_an_error(name: str, value: object) -> None:
    result = resolve(None, {name: value}, {})
    if result.success:
        check(result.unwrap())
    else:
        assert result.code == "invalid_settings"
        assert name in str(result.error)
        str(result.error).encode()


@quick
@given(st.dictionaries(st.one_of(st.sampled_from(sorted(FIELDS)), st.text()), OBJECTS, max_size=6))
def test_any_objects_for_many_arguments(arguments: dict[str, object]) -> None:
    result = resolve(None, arguments, {})
    if result.success:
        check(result.unwrap())
    else:
        for name in set(arguments) - set(FIELDS) - {"tracing_enabled"}:
            assert preview(mask_secrets(name)) in str(result.error)
