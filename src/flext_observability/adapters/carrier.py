"""Carriers of any kind: header names in any case, text or bytes, mappings or lists of pairs (OTel API only).

A name or value of a wrong type costs only itself. Never raises, except for writing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any, Final, Protocol, cast, final

from opentelemetry.propagators.textmap import Getter, Setter

from flext_observability.values.foreign import plain_text
from flext_observability.values.interrupts import reraise_interrupt

MAX_HEADERS: Final = 10_000
MAX_VALUES: Final = 100
MAX_NAME_CHARACTERS: Final = 256
MAX_VALUE_CHARACTERS: Final = 16_384
_MAX_BAGGAGE_CHARACTERS: Final = 8192
"""Limit of the W3C propagator, which drops a longer header completely."""
_COLLECTIONS: Final[tuple[Any, ...]] = (list, tuple, set, frozenset)
_BAGGAGE: Final = "baggage"
_CGI_PREFIX: Final = "HTTP_"

Headers = dict[str, list[str]]
"""Lower-case names, and the values of each."""


class SupportsItems(Protocol):
    """A mapping, or headers that are no mapping."""

    def items(self) -> Iterable[tuple[object, object]]:
        """Return names and values."""
        ...


Carrier = SupportsItems | Iterable[tuple[object, object]]
"""Headers, or pairs of name and value."""


@final
class Reading:
    """Headers that were read from a carrier.

    Attributes:
        headers: The readable ones.
        error: The first exception of the carrier, or None.
    """

    def __init__(self) -> None:
        self._exact: Headers = {}
        self._other: Headers = {}
        self.error: BaseException | None = None

    @property
    def headers(self) -> Headers:
        """The readable headers. A name in lower case hides its other spellings."""
        found = {**self._other, **self._exact}
        if len(found.get(_BAGGAGE, ())) > 1:
            found[_BAGGAGE] = join_baggage(found[_BAGGAGE])
        return found

    def add(self, name: object, value: object) -> None:
        """Add a header, unless name or value have a wrong type or size."""
        text = to_text(name, MAX_NAME_CHARACTERS)
        values = to_values(value)
        if text is None or not values:
            return
        canonical = canonical_name(text)
        headers = self._exact if canonical == text else self._other
        headers.setdefault(canonical, []).extend(values[: MAX_VALUES - len(headers[canonical])])

    def add_named(self, carrier: Any, names: Iterable[object]) -> None:  # noqa: ANN401 - any object
        """Add the headers with these names, one by one, unless it has them."""
        for name in names:
            text = to_text(name, MAX_NAME_CHARACTERS)
            if text is not None and canonical_name(text) not in self._exact:
                for value in self.attempt(partial(_get, carrier, name)) or self.attempt(partial(_index, carrier, name)):
                    self.add(name, value)

    def attempt(self, read: Callable[[], Iterable[object]]) -> list[object]:
        """Return the items, up to ``MAX_HEADERS`` and the first exception."""
        items: list[object] = []
        try:
            for item in islice(read(), MAX_HEADERS):
                items.append(item)  # noqa: PERF402 - keeps the items from before an exception
        except BaseException as error:  # noqa: BLE001 - the code of the carrier
            reraise_interrupt(error)
            self.error = self.error or error
        return items


def read_carrier(carrier: Any, fields: Callable[[], Iterable[str]]) -> Reading:  # noqa: ANN401 - any object
    """Return the headers of a carrier.

    Args:
        carrier: A mapping of any kind, or pairs.
        fields: Returns the names that are read one by one from a carrier that cannot be iterated.
    """
    reading = Reading()
    for item in reading.attempt(lambda: _pairs(carrier)):
        pair = _items(item, 3)
        if pair is not None and len(pair) == 2:
            reading.add(*pair)
    if reading.error is not None:
        reading.add_named(carrier, reading.attempt(lambda: carrier.keys()))  # noqa: PLW0108 - the attribute may raise
        found = reading.headers
        missing = [name for name in reading.attempt(fields) if isinstance(name, str) and name.lower() not in found]
        reading.add_named(carrier, [spelling for name in missing for spelling in (name.lower(), name.title())])
    return reading


def to_values(value: object) -> list[str]:
    """Return the readable values of one header: text, bytes, or a collection of both.

    Other iterables are not read: an object in a WSGI environment may be the body of the request.
    """
    items = _items(value, MAX_VALUES)
    texts = (to_text(each, MAX_VALUE_CHARACTERS) for each in ([value] if items is None else items))
    return [text for text in texts if text]


def to_text(value: object, limit: int) -> str | None:
    """Return text or bytes as text that can be encoded; None for other objects and for longer text."""
    text = plain_text(value)
    if issubclass(type(value), bytes | bytearray | memoryview):
        text = bytes(memoryview(cast("bytes", value)).cast("B")[: limit + 1]).decode("utf-8", "replace")
    if text is None or len(text) > limit:
        return None
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def canonical_name(name: str) -> str:
    """Return a header name in lower case, also of a name in a WSGI environment (``HTTP_TRACEPARENT``)."""
    if name.startswith(_CGI_PREFIX):
        name = name.removeprefix(_CGI_PREFIX).replace("_", "-")
    return name.strip().lower()


def join_baggage(values: list[str]) -> list[str]:
    """Join repeated baggage headers for the W3C propagator, which reads one. Those over its limit are left out."""
    joined = ""
    for value in values:
        longer = f"{joined},{value}" if joined else value
        if len(longer) <= _MAX_BAGGAGE_CHARACTERS:
            joined = longer
    return [joined]


@final
class HeaderGetter(Getter[Headers]):
    """Reads headers of ``Reading``, whose names are in lower case."""

    def get(self, carrier: Headers, key: str) -> list[str] | None:
        """Return the values of a header, or None."""
        return carrier.get(key.lower())

    def keys(self, carrier: Headers) -> list[str]:
        """Return the names of all headers."""
        return list(carrier)


@final
class TolerantGetter(Getter[Any]):
    """Reads one carrier through the getter of another library: names in any case, and readable values only."""

    def __init__(self, getter: Getter[Any]) -> None:
        self._getter = getter
        self._names: dict[str, object] | None = None

    def get(self, carrier: Any, key: str) -> list[str] | None:  # noqa: ANN401 - a carrier of any library
        """Return the values of a header, or None."""
        values = self._values(carrier, key)
        if not values:
            name = self._spelling(carrier, key)
            values = [] if name is None or name == key else self._values(carrier, name)
        if key.lower() == _BAGGAGE and len(values) > 1:
            values = join_baggage(values)
        return values or None

    def keys(self, carrier: Any) -> list[str]:  # noqa: ANN401 - a carrier of any library
        """Return the names of all headers."""
        names = (to_text(name, MAX_NAME_CHARACTERS) for name in Reading().attempt(lambda: self._getter.keys(carrier)))
        return [name for name in names if name is not None]

    def _values(self, carrier: object, name: str) -> list[str]:
        found = Reading().attempt(lambda: [self._getter.get(carrier, name)])
        return [text for value in found for text in to_values(value)]

    def _spelling(self, carrier: object, key: str) -> str | None:
        if self._names is None:
            self._names = {canonical_name(name): name for name in self.keys(carrier)}
        return cast("str | None", self._names.get(key.lower()))


@final
class HeaderSetter(Setter[Any]):
    """Writes headers to a mapping or a list of pairs. Never raises.

    Attributes:
        error: The first exception of the carrier, or None.
    """

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def set(self, carrier: Any, key: str, value: str) -> None:  # noqa: ANN401 - any object
        """Set a header. It replaces one whose name differs in case."""
        try:
            if issubclass(type(carrier), list):
                _set_pair(carrier, key, value)
            else:
                _set_item(carrier, key, value)
        except BaseException as error:  # noqa: BLE001 - an invalid carrier, or one that raises
            reraise_interrupt(error)
            self.error = self.error or error


def _pairs(carrier: Any) -> Iterable[object]:  # noqa: ANN401 - any object
    items = getattr(carrier, "items", None)
    return cast("Iterable[object]", items() if callable(items) else carrier)


def _items(value: object, limit: int) -> list[object] | None:
    """Return the first items of a collection, without the methods of a subclass; None for other objects."""
    for kind in _COLLECTIONS:
        if issubclass(type(value), kind):
            return list(islice(kind.__iter__(value), limit))
    return None


def _get(carrier: Any, name: object) -> tuple[object]:  # noqa: ANN401 - any object
    return (carrier.get(name),)


def _index(carrier: Any, name: object) -> tuple[object]:  # noqa: ANN401 - any object
    return (carrier[name],)


def _set_pair(carrier: list[Any], name: str, value: str) -> None:
    """Set a pair of a list. It has the types of the other pairs; by default text and bytes, as for Kafka."""
    first: object = carrier[0] if carrier else ("", b"")
    pair = tuple(
        text.encode() if issubclass(type(example), bytes) else text
        for example, text in zip(cast("tuple[object, object]", first), (name, value), strict=True)
    )
    for index, (key, _) in enumerate(carrier):
        if _is_name(key, name):
            carrier[index] = (key, pair[1])
            return
    carrier.append(pair)


def _set_item(carrier: Any, name: str, value: str) -> None:  # noqa: ANN401 - any object
    names = Reading().attempt(lambda: carrier.keys())  # noqa: PLW0108 - the attribute may raise
    key = next((key for key in names if _is_name(key, name)), None)
    if key is None:
        key = name.encode() if names and issubclass(type(names[0]), bytes) else name
    message: Any = sys.modules.get("email.message")
    if message is not None and issubclass(type(carrier), message.Message):
        del carrier[key]  # its assignment adds a second header
    carrier[key] = value.encode() if issubclass(type(key), bytes) else value


def _is_name(key: object, name: str) -> bool:
    if not issubclass(type(key), str | bytes) or len(cast("str | bytes", key)) != len(name):
        return False
    text = to_text(key, MAX_NAME_CHARACTERS)
    return text is not None and text.lower() == name.lower()
