"""pom.xml → Kafka's libraries in the cache of binaries, copied by Maven."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from monitoring.native.install import log_tail
from monitoring.native.places import Places, StackError
from monitoring.native.progress import BuildProgress

POM: Final = Path(__file__).with_name("pom.xml")
JAVA_MINIMUM: Final = 17
_TIMEOUT_SECONDS: Final = 600.0


def version() -> str:
    """Return the version of Kafka in pom.xml."""
    found = re.search(r"<artifactId>kafka_2\.13</artifactId>\s*<version>(.+?)</version>", POM.read_text("utf-8"))
    if found is None:
        raise StackError(f"{POM} has no version of kafka_2.13. Add it as in the repository.")
    return found[1]


def libraries(places: Places) -> Path:
    """Return the folder of the libraries. Its name depends on pom.xml."""
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    return places.cache / "bin" / f"kafka-{version()}-{digest}"


def missing_tool(*, maven: bool = True) -> str:
    """Return why Kafka cannot be installed or run, with the fix, or an empty string."""
    java = shutil.which("java")
    advice = f"Install a Java runtime {JAVA_MINIMUM} or newer, for example openjdk-{JAVA_MINIMUM}-jre-headless."
    if java is None:
        return f"Kafka needs Java: java is not on PATH. {advice}"
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=30)
    found = re.search(r'version "(\d+)', answer.stderr)
    if found is None or int(found[1]) < JAVA_MINIMUM:
        lines = answer.stderr.splitlines() or ["without a version"]
        return f"Kafka needs Java {JAVA_MINIMUM}: {java} is {lines[0]}. {advice}"
    if maven and shutil.which("mvn") is None:
        return "Kafka's libraries need Maven: mvn is not on PATH. Install Maven, for example the package maven."
    return ""


def install(places: Places, console: Console) -> None:
    """Copy Kafka's libraries to the cache if they are not there.

    Raises:
        StackError: Java or Maven is missing, or the download failed or took longer than 600 s.
    """
    target = libraries(places)
    if target.is_dir():
        console.print(f"kafka {version()}: already in {target}", highlight=False, soft_wrap=True)
        return
    if reason := missing_tool():
        raise StackError(reason)
    log = places.cache / "log" / f"build-kafka-{version()}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    scratch = places.cache / "scratch"
    scratch.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=f"{os.getpid()}-", dir=scratch) as folder,
        BuildProgress(console, 1) as progress,
    ):
        progress.begin(f"kafka {version()}")
        progress.step("downloading the libraries with Maven")
        output = Path(folder) / "libraries"
        _copy(output, log, progress)
        _move(output, target)
        progress.end("installed")


def _copy(output: Path, log: Path, progress: BuildProgress) -> None:
    argv = ["mvn", "--batch-mode", "--no-transfer-progress", "--file", str(POM), "dependency:copy-dependencies"]
    argv += [f"-DoutputDirectory={output}", "-DincludeScope=runtime"]
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    with log.open("wb") as file:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)
        try:
            while child.poll() is None and time.monotonic() < deadline:
                progress.tick()
                time.sleep(0.1)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
    if child.returncode != 0:
        raise StackError(
            f"Kafka's libraries were not downloaded: `{' '.join(argv)}` ended with {child.returncode}. "
            f"Check the network and Maven's settings. The end of {log}:\n{log_tail(log)}"
        )


def _move(output: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        output.rename(target)
    except OSError:
        if not target.is_dir():
            raise
