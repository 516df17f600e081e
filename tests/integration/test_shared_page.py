"""The shared metrics page of forked processes: hangs, full disks, unusable directories, second starts and services."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs import Finished, run

START = """
import json, os, re, resource, signal, socket, sys, time
from urllib.request import Request, urlopen
from flext_observability import get_observability, init_observability, shutdown_observability, start_ops_server

ENDS = socket.socketpair()

def init(**settings):
    settings = {"service_name": "shop", "exporters": "memory", "console": False, **settings}
    return init_observability(**settings).unwrap()

def fork(work):
    "Fork a child that does the work, and stays while its parent runs."
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        work()
        ENDS[1].send(b"x")
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(0)
    ENDS[0].recv(1)
    return pid

def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

def page(address):
    text = urlopen(address + "/metrics").read().decode()
    return re.sub(r'otel_scope_\\w+="[^"]*",?', "", text).replace(",}", "}").replace("{}", "")

def lines(text, *names):
    return [line for line in text.splitlines() if line.startswith(names)]

def notices():
    return [str(each) for each in get_observability().unwrap().status()["metrics"].notices]

handle = init()
items = handle.metrics.counter("items")
items.add(1)
address = start_ops_server(port=0).unwrap().address
"""


def check(program: str, directory: Path, **settings: str) -> Finished:
    done = run(START + program, TMPDIR=str(directory), **settings)
    assert (done.code, done.err) == (0, ""), done.err
    return done


def test_a_process_that_hangs_costs_itself_alone(tmp_path: Path) -> None:
    program = """
hung, other = fork(lambda: items.add(10)), fork(lambda: items.add(100))
assert lines(page(address), "items_total") == ["items_total 111.0"]
deadline = time.monotonic() + 10  # of a busy machine
while notices() and time.monotonic() < deadline:
    page(address)
assert notices() == []  # both have answered
os.kill(hung, signal.SIGSTOP)
items.add(1)
began = time.monotonic()
assert lines(page(address), "items_total") == ["items_total 112.0"]
first = time.monotonic() - began
began = time.monotonic()
assert lines(page(address), "items_total") == ["items_total 112.0"]
second = time.monotonic() - began
assert second < first, (first, second)
(found,) = notices()
assert f"flext-{hung}-" in found and "its last snapshot is used. End it if it hangs." in found, found
os.kill(hung, signal.SIGCONT)
deadline = time.monotonic() + 20
while notices() and time.monotonic() < deadline:
    page(address)
assert notices() == []
end(hung), end(other)
assert lines(page(address), "items_total") == ["items_total 112.0"]
"""
    check(program, tmp_path)


def test_a_full_disk_is_reported_and_the_page_has_what_is_known(tmp_path: Path) -> None:
    program = """
def work():
    items.add(10)
    get_observability().unwrap().flush()

child = fork(work)
resource.setrlimit(resource.RLIMIT_FSIZE, (4, resource.RLIM_INFINITY))
items.add(1)
assert lines(page(address), "items_total") == ["items_total 12.0"]
(found,) = notices()
assert "Metrics of other processes are not on the page" in found, found
assert "metrics_directory" in found, found
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
items.add(1)
assert lines(page(address), "items_total") == ["items_total 13.0"]
assert notices() == []
end(child)
"""
    done = run(START + program, TMPDIR=str(tmp_path))
    assert done.code == 0, done.err
    assert done.err.count("are not on the page") == 1


@pytest.mark.parametrize("kind", ["file", "foreign"])
def test_an_unusable_directory_leaves_the_page_of_the_process(kind: str, tmp_path: Path) -> None:
    program = """
child = fork(lambda: items.add(10))
assert lines(page(address), "items_total") == ["items_total 1.0"]
(found,) = notices()
assert "Metrics of other processes are not on the page" in found, found
end(child)
"""
    directory = tmp_path / "shared"
    settings = {"FLEXT_OBSERVABILITY_METRICS_DIRECTORY": str(directory)}
    if kind == "file":
        directory.touch()
    else:
        import os

        settings = {}
        (tmp_path / f"flext-observability-{os.geteuid()}").mkdir(mode=0o755)
    done = run(START + program, TMPDIR=str(tmp_path), **settings)
    assert done.code == 0, done.err


def test_processes_create_removed_files_again(tmp_path: Path) -> None:
    program = """
import shutil

first = fork(lambda: items.add(10))
assert lines(page(address), "items_total") == ["items_total 11.0"]
[shutil.rmtree(os.path.join(os.environ["TMPDIR"], name)) for name in os.listdir(os.environ["TMPDIR"])]
deadline = time.monotonic() + 20
while lines(page(address), "items_total") != ["items_total 11.0"] and time.monotonic() < deadline:
    time.sleep(0.1)
second = fork(lambda: items.add(100))
assert lines(page(address), "items_total") == ["items_total 111.0"]
assert notices() == []
end(first), end(second)
assert lines(page(address), "items_total") == ["items_total 111.0"]
"""
    check(program, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_sharing_can_be_disabled(tmp_path: Path) -> None:
    program = """
child = fork(lambda: items.add(10))
assert lines(page(address), "items_total") == ["items_total 1.0"]
end(child)
"""
    check(program, tmp_path, FLEXT_OBSERVABILITY_METRICS_DIRECTORY="none")
    assert list(tmp_path.iterdir()) == []


def test_a_second_start_counts_nothing_twice(tmp_path: Path) -> None:
    program = """
child = fork(lambda: items.add(10))
assert lines(page(address), "items_total") == ["items_total 11.0"]
init(metric_export_interval_seconds=5)
items.add(1)
assert lines(page(address), "items_total") == ["items_total 12.0"]
init(resource_attributes={"a": "b"})  # the totals of this process end, and start from zero
items.add(1)
assert lines(page(address), "items_total") == ["items_total 13.0"]
init(resource_attributes={"a": "b"}, metrics_directory=sys.argv[0] + "-c-directory")
items.add(1)
assert lines(page(address), "items_total") == ["items_total 2.0"]
shutdown_observability()
end(child)
init()
items.add(5)
assert lines(page(address), "items_total") == ["items_total 18.0"]
"""
    done = run(
        START + program.replace('sys.argv[0] + "-c-directory"', repr(str(tmp_path / "other"))), TMPDIR=str(tmp_path)
    )
    assert (done.code, done.err) == (0, ""), done.err


def test_programs_of_different_services_stay_apart(tmp_path: Path) -> None:
    program = """
def other():
    init(service_name="billing")
    get_observability().unwrap().metrics.counter("items").add(7)

child = fork(other)
assert len(lines(page(address), "target_info")) == 2, page(address)
found = sorted(lines(page(address), "items_total"))
assert found == ['items_total{job="billing"} 7.0', 'items_total{job="shop"} 1.0'], found
end(child)
"""
    check(program, tmp_path)


def test_gauges_have_the_mode_of_the_settings(tmp_path: Path) -> None:
    program = """
init(metrics_gauge_modes={"queue.*": "sum", "queue.temperature": "max", "queue.own": "process"})
names = ["queue.depth", "queue.temperature", "queue.own"]
gauges = [get_observability().unwrap().metrics.gauge(name) for name in names]
items.add(0)

def work():
    for gauge in gauges:
        gauge.set(5)

for gauge in gauges:
    gauge.set(3)
child = fork(work)
found = dict(line.split(" ") for line in lines(page(address), "queue_"))
assert found == {
    "queue_depth": "8.0", "queue_temperature": "5.0",
    f'queue_own{{process_pid="{child}"}}': "5.0", f'queue_own{{process_pid="{os.getpid()}"}}': "3.0",
}, found
end(child)
found = dict(line.split(" ") for line in lines(page(address), "queue_"))
assert found["queue_depth"] == "3.0" and len(found) == 3, found
"""
    check(program, tmp_path)


def test_gauges_have_the_mode_that_the_program_declares(tmp_path: Path) -> None:
    program = """
from opentelemetry import metrics

init(metrics_gauge_modes={"Queue.Set": "max", "other.*": "min"})
service = get_observability().unwrap().metrics
modes = {"Queue.Depth": "sum", "queue.set": "sum", "queue.own": "process", "queue.latest": "latest"}
gauges = [service.gauge(name, mode=mode) for name, mode in modes.items()]
gauges.append(metrics.get_meter("api").create_gauge("OTHER.queue"))

def work():
    for gauge in gauges:
        gauge.set(5)

for gauge in gauges:
    gauge.set(3)
child = fork(work)
found = dict(line.split(" ") for line in lines(page(address), "queue_", "other_"))
assert found == {
    "queue_depth": "8.0", "queue_set": "5.0", "queue_latest": "5.0", "other_queue": "3.0",
    f'queue_own{{process_pid="{child}"}}': "5.0", f'queue_own{{process_pid="{os.getpid()}"}}': "3.0",
}, found
end(child)
"""
    check(program, tmp_path)


def test_the_files_are_removed_at_the_end(tmp_path: Path) -> None:
    program = """
child = fork(lambda: items.add(10))
assert lines(page(address), "items_total") == ["items_total 11.0"]
end(child)
"""
    check(program, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_program_of_one_process_has_no_files(tmp_path: Path) -> None:
    check('assert lines(page(address), "items_total") == ["items_total 1.0"]', tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_callbacks_run_for_scrapes_alone(tmp_path: Path) -> None:
    program = """
from opentelemetry import metrics
from opentelemetry.metrics import Observation

calls = []

def observe(options):
    calls.append(1)
    return [Observation(100)]

metrics.get_meter("test").create_observable_counter("seen", [observe])

def work():
    items.add(1)

child = fork(work)
assert lines(page(address), "seen_total") == ["seen_total 200.0"]
before = len(calls)
items.add(1)
time.sleep(2.5)  # two snapshots
assert len(calls) == before
assert lines(page(address), "seen_total") == ["seen_total 200.0"]
assert len(calls) == before + 1
end(child)
assert lines(page(address), "seen_total") == ["seen_total 200.0"]
"""
    check(program, tmp_path)


def test_processes_of_a_supervisor_share_the_directory_of_prometheus_client(tmp_path: Path) -> None:
    program = """
import subprocess
if len(sys.argv) > 1:
    items.add(9)
    print("ready", flush=True)
    sys.stdin.readline()
    sys.exit()
command = [sys.executable, "-c", open("/proc/self/cmdline").read().split(chr(0))[2], "other"]
other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
assert other.stdout.readline() == "ready\\n"
assert lines(page(address), "items_total") == ["items_total 11.0"]
other.communicate("\\n")
assert lines(page(address), "items_total") == ["items_total 11.0"]
shutdown_observability()
"""
    directory = tmp_path / "shared"
    settings = {"PROMETHEUS_MULTIPROC_DIR": str(directory)}
    check(program, tmp_path, **settings)
    check(program, tmp_path, **settings)  # a new program starts from zero
    assert sorted(path.name for path in directory.iterdir()) == ["flext-totals.lock", "flext-totals.metrics"]
