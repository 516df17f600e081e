"""One metrics page for ``multiprocessing`` children by any start method, served by their parent."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.programs import run_file

PROGRAM = """
import multiprocessing, os, re, signal, time
from urllib.request import Request, urlopen
from flext_observability import get_observability, init_observability, start_ops_server, traced

handle = init_observability(service_name="shop", exporters="memory", console=False).unwrap()
items = handle.metrics.counter("items")
sizes = handle.metrics.histogram("sizes", bounds=[1, 10])
busy = handle.metrics.up_down_counter("busy")
level = handle.metrics.gauge("level")

def work(count):
    for _ in range(count):
        with traced("item"):
            items.add(1)
            sizes.record(5)

def hang(count):
    busy.add(1)
    level.set(7)
    work(count)
    time.sleep(30)

def page(address):
    request = Request(address + "/metrics", headers={"Accept": "application/openmetrics-text"})
    text = urlopen(request).read().decode()
    return re.sub(r'otel_scope_\\w+="[^"]*",?', "", text).replace(",}", "}").replace("{}", "")

def value(text, name):
    return next((float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " ")), 0.0)

def check(text, expected):
    assert value(text, "items_total") == value(text, "sizes_count") == expected, (expected, text)

def until(probe):
    deadline = time.monotonic() + 15
    while not probe():
        assert time.monotonic() < deadline, probe
        time.sleep(0.05)

def main():
    context = multiprocessing.get_context(METHOD)
    address = start_ops_server(port=0).unwrap().address
    work(3)
    check(page(address), 3)
    children = [context.Process(target=work, args=(10,)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    check(page(address), 23)
    killed = context.Process(target=hang, args=(5,))
    killed.start()
    until(lambda: value(page(address), "items_total") == 28)
    running = page(address)
    assert value(running, "busy") == 1, running
    assert f'level{{process_pid="{killed.pid}"}} 7.0' in running, running
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    after = page(address)
    check(after, 28)
    assert value(after, "busy") == 0 and "level{" not in after, after
    with context.Pool(2, maxtasksperchild=2) as pool:
        pool.map(work, [5] * 8, chunksize=1)
        check(page(address), 68)
        pool.close()
        pool.join()
    last = page(address)
    check(last, 68)
    assert "# {trace_id=" in last
    print("done", flush=True)

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_parent_serves_the_totals_of_its_children(method: str, tmp_path: Path) -> None:
    with TemporaryDirectory() as temporary:  # short: the socket of the fork server is there, too
        done = run_file(tmp_path, PROGRAM.replace("METHOD", repr(method)), TMPDIR=temporary)
        assert (done.code, done.out) == (0, "done\n"), done.err
        assert list(Path(temporary).glob("flext-observability-*/*")) == []
