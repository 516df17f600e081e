"""Execute the Python blocks of a page in one namespace, on loopback only, and save their output as JSON."""

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
    """Reject addresses outside this machine (audit hook)."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])  # pyright: ignore[reportUnknownArgumentType]  # (host, port, …)
    elif event == "socket.getaddrinfo":
        host = str(arguments[0] or "localhost")
    else:
        return
    if host != "localhost" and not host.endswith(".invalid") and not _is_loopback(host):
        raise OSError(f"connection of a page to {host} rejected: only loopback is allowed")


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
    # Leading blank lines give tracebacks the line numbers of the page.
    source = "\n" * (block.line - 1) + block.code
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), namespace)  # noqa: S102 - running the page is the purpose


class Record:
    """Record of text written to the standard streams: (line of the latest block, stream, text) each."""

    def __init__(self) -> None:
        self.line = 0
        self.written: list[tuple[int, str, str]] = []
        sys.stdout = _Kept(sys.stdout, self)
        sys.stderr = _Kept(sys.stderr, self)

    def save(self, path: Path) -> None:
        """Write the record to ``path`` as JSON."""
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
    """Run the Python blocks of a page, and save their output to the file ``written`` at exit."""
    sys.addaudithook(loopback_only)
    record = Record()
    if written:
        atexit.register(record.save, Path(written).absolute())  # registered first, so that it runs last
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(Path(page).read_text(encoding="utf-8")):
        if block.language in {"python", "pycon"} and not block.reason:
            record.line = block.line
            _run(block, page, namespace)
    record.line = sys.maxsize  # later output belongs to no block


if __name__ == "__main__":
    main(*sys.argv[1:])
