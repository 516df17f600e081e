from __future__ import annotations

from flext_observability.views.terminal.attributes import format_all, select


def test_outcomes_come_first_then_own_attributes_then_those_of_libraries() -> None:
    attributes = {
        "db.system.name": "sqlite",
        "faas.name": "f",
        "order.id": "A-7",
        "http.response.status_code": 402,
    }
    assert select(attributes) == [("status", "402"), ("order.id", "A-7"), ("db", "sqlite"), ("faas.name", "f")]


def test_attributes_of_the_environment_are_omitted() -> None:
    assert select({"thread.id": 1, "user_agent.original": "x", "net.host.name": "y", "code.lineno": 3}) == []


def test_words_of_the_title_are_not_repeated() -> None:
    attributes = {"http.request.method": "POST", "http.route": "/a", "error.type": "POST"}
    assert select(attributes, title="POST /a") == [("error", "POST")]


def test_a_url_is_omitted_if_the_title_has_its_path() -> None:
    attributes = {"url.full": "http://127.0.0.1:1/a", "http.target": "/x"}
    assert select(attributes, title="GET /a") == [("path", "/x")]
    assert select(attributes, title="GET") == [("url", "http://127.0.0.1:1/a"), ("path", "/x")]


def test_the_first_of_two_synonyms_is_shown() -> None:
    assert select({"http.status_code": 200, "http.response.status_code": 500}) == [("status", "200")]


def test_format_all_has_every_attribute_in_a_fixed_order() -> None:
    assert format_all({"thread.id": 1, "b": 2, "http.route": "/a"}) == "b=2  thread.id=1  route=/a"
    assert format_all({"http.route": "/a", "thread.id": 1, "b": 2}) == "b=2  thread.id=1  route=/a"


def test_keys_are_sanitized() -> None:
    assert select({"\x1b[2J": 1}) == [("\\x1b[2J", "1")]


def test_an_error_that_is_the_status_is_shown_once() -> None:
    attributes = {"http.response.status_code": 402, "error.type": "402"}
    assert select(attributes) == [("status", "402")]
    assert select(attributes | {"error.type": "TimeoutError"}) == [("status", "402"), ("error", "TimeoutError")]
