"""Page → its Python blocks, executed in order in one namespace, with no network but loopback; and what each wrote, as JSON."""

from __future__ import annotations

import atexit
import doctest
import io
import ipaddress
import json
import linecache
import sys
from pathlib import Path
from typing import TextIO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.docs.pages import Block, blocks


def loopback_only(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse every address outside this machine (an audit hook)."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])  # pyright: ignore[reportUnknownArgumentType]  # (host, port, …)
    elif event == "socket.getaddrinfo":
        host = str(arguments[0] or "localhost")
    else:
        return
    if host != "localhost" and not host.endswith(".invalid") and not _is_loopback(host):
        raise OSError(f"a page must not reach {host}: only loopback is open to it")


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _run(block: Block, name: str, namespace: dict[str, object]) -> None:
    if block.language == "pycon":
        test = doctest.DocTestParser().get_doctest(block.code, namespace, name, name, block.line - 1)
        options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.FAIL_FAST
        if doctest.DocTestRunner(optionflags=options).run(test, clear_globs=False).failed:
            raise SystemExit(1)
        namespace.update(test.globs)
        return
    # Blank lines before it give tracebacks the page's own line numbers.
    source = "\n" * (block.line - 1) + block.code
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), namespace)  # noqa: S102 — running the page is the purpose


class Record:
    """What is written to the standard streams from now on: (line of the block that runs or ran last, stream, text) each."""

    def __init__(self) -> None:
        self.line = 0
        self.written: list[tuple[int, str, str]] = []
        sys.stdout = _Kept(sys.stdout, self)
        sys.stderr = _Kept(sys.stderr, self)

    def save(self, path: Path) -> None:
        """Write it to ``path``, as JSON."""
        path.write_text(json.dumps(self.written), encoding="utf-8")


class _Kept(io.TextIOWrapper):
    def __init__(self, stream: TextIO, record: Record) -> None:
        super().__init__(stream.buffer, "utf-8", line_buffering=True)
        self._name = stream.name.strip("<>")
        self._record = record

    def write(self, text: str, /) -> int:
        self._record.written.append((self._record.line, self._name, text))
        return super().write(text)


def main(page: str, written: str = "") -> None:
    """Run every Python block of the page; save what they wrote to the file ``written`` when the process ends."""
    sys.addaudithook(loopback_only)
    record = Record()
    if written:
        atexit.register(record.save, Path(written).absolute())  # the first one: it is called last
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(Path(page).read_text(encoding="utf-8")):
        if block.language in {"python", "pycon"} and not block.reason:
            record.line = block.line
            _run(block, page, namespace)
    record.line = sys.maxsize  # what comes now is no block's


if __name__ == "__main__":
    main(*sys.argv[1:])
