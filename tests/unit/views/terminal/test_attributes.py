from __future__ import annotations

from flext_observability.views.terminal.attributes import all_short, useful


def test_outcome_comes_first_then_the_programs_own_words_then_the_libraries() -> None:
    attributes = {
        "db.system.name": "sqlite",
        "faas.name": "f",
        "order.id": "A-7",
        "http.response.status_code": 402,
    }
    assert useful(attributes) == [("status", "402"), ("order.id", "A-7"), ("db", "sqlite"), ("faas.name", "f")]


def test_what_only_says_where_the_code_runs_is_left_out() -> None:
    assert useful({"thread.id": 1, "user_agent.original": "x", "net.host.name": "y", "code.lineno": 3}) == []


def test_what_the_title_says_is_not_repeated() -> None:
    attributes = {"http.request.method": "POST", "http.route": "/a", "error.type": "POST"}
    assert useful(attributes, title="POST /a") == [("error", "POST")]


def test_an_address_is_not_shown_when_the_title_has_its_path() -> None:
    attributes = {"url.full": "http://127.0.0.1:1/a", "http.target": "/x"}
    assert useful(attributes, title="GET /a") == [("path", "/x")]
    assert useful(attributes, title="GET") == [("url", "http://127.0.0.1:1/a"), ("path", "/x")]


def test_the_first_of_two_names_for_one_thing_wins() -> None:
    assert useful({"http.status_code": 200, "http.response.status_code": 500}) == [("status", "200")]


def test_series_are_told_apart_by_every_attribute_in_a_fixed_order() -> None:
    assert all_short({"thread.id": 1, "b": 2, "http.route": "/a"}) == "b=2  thread.id=1  route=/a"
    assert all_short({"http.route": "/a", "thread.id": 1, "b": 2}) == "b=2  thread.id=1  route=/a"


def test_keys_from_outside_are_cleaned() -> None:
    assert useful({"\x1b[2J": 1}) == [("\\x1b[2J", "1")]
