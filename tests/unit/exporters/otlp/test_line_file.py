"""Lines of files on full disks, of killed processes, and of several processes at once; and who may read them."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

from flext_observability.exporters.otlp.file import OtlpFileExporter
from flext_observability.extensions.ports import ExportOutcome
from tests import programs
from tests.backends.telemetry import make_spans

LIMITED = """
    import os, resource, signal, sys, time
    from pathlib import Path
    from flext_observability.exporters.otlp.file import OtlpFileExporter
    from tests.backends.telemetry import make_spans

    path = Path(os.environ["LINES"])
    exporter = OtlpFileExporter("traces", path)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def export():
        found = exporter.export(make_spans(1), 1)
        print(found.accepted, found.reason, path.stat().st_size)
"""


def names(path: Path) -> list[str]:
    """Return the name of the first span of each line; each line must be whole."""
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    return [line["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] for line in lines]


def export(path: Path, count: int = 1) -> ExportOutcome:
    return OtlpFileExporter("traces", path).export(make_spans(count), 2)


def test_a_line_that_does_not_fit_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    done = programs.run(f"{LIMITED}\n    limit(100)\n    export()\n    limit(-1)\n    export()", LINES=str(path))
    first, second = done.lines
    assert first == "0 unavailable 0", done.err
    assert second.startswith("1  ")
    assert names(path) == ["span-0"]


def test_what_another_writer_adds_to_a_part_of_a_line_stays(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    program = f"""{LIMITED}
    def write(*_):
        limit(-1)
        with path.open("a") as other:
            other.write("other\\n")

    signal.signal(signal.SIGXFSZ, write)
    limit(100)
    export()
    export()
    """
    done = programs.run(program, LINES=str(path))
    assert done.lines[0] == "0 unavailable 106", done.err
    torn, whole = path.read_bytes().splitlines()
    assert torn.endswith(b"other")
    assert json.loads(whole)


def test_a_line_of_a_killed_process_does_not_damage_the_next(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text('{"resourceSpans":[{"res')
    assert export(path) == ExportOutcome(accepted=1)
    torn, whole = path.read_bytes().splitlines()
    assert torn == b'{"resourceSpans":[{"res'
    assert json.loads(whole)


def test_every_line_is_whole_on_a_disk_that_is_full_from_time_to_time(small_disk: Path) -> None:
    path, other = small_disk / "lines", small_disk / "other"
    accepted = 0
    for _ in range(5):
        while (found := export(path, 20)).accepted:
            accepted += 1
        assert (found.retry, found.reason) == (True, "unavailable")
        assert "No space left" in found.message
        assert names(path) == ["span-0"] * accepted
        os.truncate(path, 0)
        accepted = 0
        other.write_bytes(bytes(1000))


def test_every_line_of_several_processes_is_whole_on_a_full_disk(small_disk: Path) -> None:
    path = small_disk / "lines"
    program = """
        import os
        from pathlib import Path
        from flext_observability.exporters.otlp.file import OtlpFileExporter
        from tests.backends.telemetry import make_spans
        exporter, spans = OtlpFileExporter("traces", Path(os.environ["LINES"])), make_spans(3)
        accepted = failed = 0
        while failed < 50:
            done = exporter.export(spans, 5).accepted > 0
            accepted, failed = accepted + done, failed + (not done)
        print(accepted)
    """
    environment = programs.environment({"LINES": str(path)})
    command = [sys.executable, "-c", textwrap.dedent(program)]
    running = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    accepted = [int(process.communicate(timeout=60)[0]) for process in running]
    assert names(path) == ["span-0"] * sum(accepted)


def test_a_lock_that_is_not_released_does_not_stop_exports(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    export(path)
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert export(path) == ExportOutcome(accepted=1)
    assert names(path) == ["span-0"] * 2


def test_without_the_lock_a_part_of_a_line_stays_and_the_next_line_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    program = f"""{LIMITED}
    import fcntl
    path.touch()
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        limit(100)
        export()
    limit(-1)
    export()
    """
    done = programs.run(program, LINES=str(path))
    assert done.lines[0] == "0 unavailable 100", done.err
    _torn, whole = path.read_bytes().splitlines()
    assert json.loads(whole)


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lines"
    path.parent.mkdir()
    before = os.umask(0)
    try:
        export(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.touch()
    path.chmod(0o640)
    export(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_that_may_be_written_and_not_read_gets_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.touch(0o200)
    program = f"""{LIMITED}
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
        os.chdir(path.parent)
        os.chmod(".", 0o711)
        path = Path(path.name)
        exporter = OtlpFileExporter("traces", path)
        os.setegid(65534)
        os.seteuid(65534)
    export()
    export()
    os.seteuid(os.getuid())
    """
    done = programs.run(program, LINES=str(path))
    assert [line.split()[0] for line in done.lines] == ["1", "1"], done.err
    path.chmod(0o600)
    assert names(path) == ["span-0"] * 2
