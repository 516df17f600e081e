"""Serve one metrics page for a process and its children."""

from __future__ import annotations

import multiprocessing
import urllib.request

from flext_observability import init_observability, start_ops_server

observability = init_observability(service_name="press", exporters="memory").unwrap()
printed = observability.metrics.counter("press.pages.printed", unit="{page}")
waiting = observability.metrics.gauge("press.pages.waiting", unit="{page}", mode="sum")


def press(pages: int) -> None:
    """Print pages, and end."""
    waiting.set(0)
    printed.add(pages)


def main() -> None:
    """Start children, and show the page that this process serves."""
    server = start_ops_server(port=0).unwrap()
    waiting.set(7)
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=press, args=(pages,)) for pages in (100, 20, 3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    with urllib.request.urlopen(f"{server.address}/metrics", timeout=5) as reply:
        page = reply.read().decode()
    for line in page.splitlines():
        if line.startswith("press_pages"):
            print(line)
    observability.shutdown()


if __name__ == "__main__":
    main()
