"""Page → its Python blocks, executed in order in one namespace, with no network but loopback."""

from __future__ import annotations

import doctest
import ipaddress
import linecache
import sys
from pathlib import Path

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


def main(page: str) -> None:
    """Run every Python block of the page."""
    sys.addaudithook(loopback_only)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(Path(page).read_text(encoding="utf-8")):
        if block.language in {"python", "pycon"} and not block.reason:
            _run(block, page, namespace)


if __name__ == "__main__":
    main(sys.argv[1])
