"""HTTP client of one back end: path and parameters → JSON, or an error with the words of the back end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import httpx

_SHOWN_CHARACTERS: Final = 300
Parameters = Mapping[str, str | Sequence[str]]
Row = dict[str, Any]
"""A JSON object of a back end."""


class QueryError(Exception):
    """The back end did not answer the query."""


@dataclass(frozen=True, slots=True)
class Api:
    """API of one back end."""

    name: str
    http: httpx.Client

    def get(self, path: str, parameters: Parameters | None = None) -> Row:
        """Return the JSON object of a GET request."""
        return cast("Row", self._json(path, parameters))

    def rows(self, path: str, parameters: Parameters | None = None) -> list[Row]:
        """Return the JSON array of a GET request."""
        return cast("list[Row]", self._json(path, parameters))

    def _json(self, path: str, parameters: Parameters | None) -> object:
        text = self.text(path, parameters)
        try:
            return json.loads(text)
        except ValueError as error:
            raise QueryError(f"{self.name} {path}: no JSON ({text[:_SHOWN_CHARACTERS]!r}).") from error

    def text(self, path: str, parameters: Parameters | None = None) -> str:
        """Return the text of a GET request.

        Raises:
            QueryError: No answer, or a status of 400 and above.
        """
        try:
            answer = self.http.get(path, params=httpx.QueryParams(dict(parameters or {})))
        except httpx.HTTPError as error:
            raise QueryError(f"{self.name} {path}: {error!r}.") from error
        if answer.is_error:
            raise QueryError(f"{self.name}: {_reason(answer)}")
        return answer.text


def _reason(answer: httpx.Response) -> str:
    text = answer.text
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if isinstance(content, dict):
        row = cast("Row", content)
        text = str(row.get("error") or row.get("errors") or text)
    return f"{answer.status_code}: {' '.join(text.split())[:_SHOWN_CHARACTERS]}"
