from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from flext_observability.views.links import grafana_base, grafana_trace_link
from flext_observability.views.model import TraceView
from tests.unit.views.shop import TRACE, checkout


def test_the_link_has_trace_id_and_time_range() -> None:
    link = urlsplit(grafana_trace_link("http://localhost:3000/", checkout()))
    assert (link.netloc, link.path) == ("localhost:3000", "/explore")
    (panes,) = parse_qs(link.query)["panes"]
    assert TRACE in panes
    assert '"from":"1763673256120"' in panes


def test_without_grafana_there_is_no_link() -> None:
    assert grafana_trace_link("", checkout()) == ""
    assert "explore" in grafana_trace_link("http://g", TraceView())


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("http://g:3000/sub/", "http://g:3000/sub"),
        ("https://user:pa/ss@g/sub?auth_token=a#b", "https://g/sub"),
        ("user:pass@g:3000", "g:3000"),
        ("g:3000/", "g:3000"),
        ("http://g/?a=x@y", "http://y"),  # not known which part is the host: what is after the last @ is no password
        ("", ""),
    ],
)
def test_links_have_no_credentials(text: str, base: str) -> None:
    assert grafana_base(text) == base
