"""Addresses, headers and secrets that contain a mark, by setting; and a check whether a text contains it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from flext_observability.settings.config import FIELDS
from flext_observability.settings.types import HEADERS
from flext_observability.values.masking import mask_secrets

MARK = "s3cr3t"
CLOSED = "127.0.0.1:1"

# Characters that a password may have, raw or percent-encoded.
CHARACTERS = (
    *("", "/", "//", "#", "?", " ", "  ", "@", ":", "%", "%2F", "%40", "\\", "é", "\t", "\n", "&", "=", "'", '"'),
    *("[", "]", "<", ">", "|", "^", "`", "{", "}", ",", ";", "!", "$", "*", "\x00", "\udc80", "://", "../"),
)
IN_PASSWORDS = (
    *(f"http://user:pa{each}{MARK}@{CLOSED}" for each in CHARACTERS),
    *(f"user:{MARK}{each}x@{CLOSED}/v1/traces" for each in CHARACTERS[:14]),
    *(f"https://user:1{each}{MARK}{each}@{CLOSED}?a=b#c" for each in CHARACTERS[:14]),
)
ADDRESSES = (
    *IN_PASSWORDS,
    *(f"http://{MARK}:pw@{CLOSED}", f"http://{MARK}@{CLOSED}", f"{MARK}:pw@{CLOSED}", f"http://{MARK}/x@{CLOSED}"),
    *(f"http://user:{MARK}@h:port", f"http://user:{MARK}@", f"http://user:{MARK}@[::1", f"http://user:{MARK}@h:99999"),
    *(f"http://user:{MARK}", f"http://user:{MARK}/", f"user:{MARK}", f"http://127.0.0.1:{MARK}", f"http://h:0/?{MARK}"),
    *(f"ftp://user:{MARK}@h", f"socks5://u:{MARK}@h", f"http:/u:{MARK}@h", f"http//u:{MARK}@h", f"//u:{MARK}@h"),
    *(f"{MARK}://h", f"http:u:{MARK}@h", f"http:\\\\u:{MARK}@h", f" http://u:{MARK}@h ", f"http://u:{MARK}@h h"),
    *(f"http://u:{MARK}@a, http://u:{MARK}@b", f"Bearer {MARK}", f"token={MARK}", f"authorization=Bearer {MARK}"),
    *(f"http://{CLOSED}/?token={MARK}", f"http://{CLOSED}?{MARK}", f"http://{CLOSED}/v1/traces?api-key={MARK}&b=c"),
    *(
        f"http://{CLOSED}#{MARK}",
        f"http://{CLOSED}/a#{MARK}",
        f"http://{CLOSED}/services/T0/{MARK}",
        f"{CLOSED}/{MARK}",
    ),
    *(f"http://{CLOSED}/{MARK}/v1/traces", f"http://{CLOSED}/a;{MARK}", f"http://{CLOSED}/a@{MARK}", f"h/{MARK}?x"),
    *(f"http://{CLOSED}/{MARK}%2Fx", f"http://{CLOSED}//{MARK}//", f"http://h:4317/{MARK}", f"http://h/{MARK} x"),
)
BASIC = base64.b64encode(f"user:{MARK}".encode()).decode()
HEADER_LISTS = (
    *(f"authorization=Bearer {MARK}", f"authorization=Bearer%20{MARK}", f"Authorization=Basic {BASIC}", f"x={MARK}%0A"),
    *(f"Authorization: Bearer {MARK}", MARK, f"={MARK}", f"Bearer {MARK}", f"x-api-key={MARK},", f"x={MARK}\udc80"),
    *(f"cookie=sid={MARK}; a=b", f" , ,x={MARK}, y", f"x=é{MARK}", f"a b={MARK}", f"x={MARK}\x00"),
)
HEADER_OBJECTS: tuple[Any, ...] = (
    *({"authorization": f"Bearer {MARK}"}, {"x": MARK.encode()}, {"x": [MARK]}, {"bad name": MARK}, {"x": f"é{MARK}"}),
    *([("authorization", MARK)], {"x-api-key": f" {MARK}\n"}, {"authorization": f"Basic {BASIC}"}, {MARK}, (MARK,)),
)
SECRETS: tuple[Any, ...] = (MARK, f" {MARK}\n", f"é{MARK}", MARK.encode(), [MARK], {MARK: MARK}, {MARK})
# Any other setting may get an address by mistake.
MISPLACED = (
    *(f"http://user:{MARK}@h", f"http://user:pa/{MARK}@h:1/x", f"user:pa#{MARK}@h", f"http://h/?token={MARK}"),
    *(f"authorization=Bearer {MARK}", f"dbPassword={MARK}", f"http://u{'x' * 40}:{MARK}{'y' * 90}@h", f"Bearer {MARK}"),
)

ADDRESS_ROWS = [row for row in FIELDS.values() if row.type.mask is not mask_secrets]
HEADER_ROWS = [row for row in FIELDS.values() if row.type is HEADERS]
SECRET_ROWS = [row for row in FIELDS.values() if row.type.secret and row.type is not HEADERS]
OTHER_ROWS = [row for row in FIELDS.values() if row not in (*ADDRESS_ROWS, *HEADER_ROWS, *SECRET_ROWS)]
VALUES: Mapping[str, tuple[Any, ...]] = {
    **{row.name: ADDRESSES for row in ADDRESS_ROWS},
    **{row.name: HEADER_LISTS + HEADER_OBJECTS for row in HEADER_ROWS},
    **{row.name: SECRETS for row in SECRET_ROWS},
    **{row.name: MISPLACED for row in OTHER_ROWS},
}


# The secret in base64, for each number of bytes before it in a group of three.
ENCODED = tuple(
    base64.b64encode(b"x" * before + MARK.encode() + b"x")[-(-8 * before // 6) : 8 * (before + len(MARK)) // 6].decode()
    for before in range(3)
)


def leaks(text: str) -> bool:
    """Return whether a text has the secret: as it is, percent-encoded, or in base64."""
    return MARK in text or any(part in text for part in ENCODED) or ("%" in text and MARK in unquote(text))


def assert_hidden(texts: Iterable[str], cause: object) -> None:
    assert [text for text in texts if leaks(text)] == [], cause
