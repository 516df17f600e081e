"""One Kafka node on loopback, broker and controller in one process, for tests and trials."""

from __future__ import annotations

import base64
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from monitoring.native.install import log_tail
from monitoring.native.places import LOOPBACK, StackError

_HEAP: Final = "-Xmx256m"
_READY_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 20.0
_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
num.partitions={partitions}
message.max.bytes=4194304
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
"""
_LOGGING: Final = """\
<Configuration><Appenders><Console name="out"><PatternLayout pattern="%d %p %c{1}: %m%n"/></Console></Appenders>
<Loggers><Root level="warn"><AppenderRef ref="out"/></Root></Loggers></Configuration>
"""


@dataclass(slots=True)
class Broker:
    """A Kafka process that keeps its port and its data when it is started again.

    Attributes:
        libraries: Folder of `install`.
        folder: Data, configuration and log.
        port: Port of producers and consumers.
        controller_port: Port of the controller.
        partitions: Partitions of topics that producers create.
    """

    libraries: Path
    folder: Path
    port: int
    controller_port: int
    partitions: int = 6
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """`host:port` for producers and consumers."""
        return f"{LOOPBACK}:{self.port}"

    def start(self) -> float:
        """Start the process, and wait until it accepts connections. Return the seconds until then.

        Raises:
            StackError: The process exited, or does not accept connections within 60 s.
        """
        began = time.monotonic()
        if not (self.folder / "data" / "meta.properties").is_file():
            self._format()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self.folder / "server.properties")),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while not self._accepts():
            waited = time.monotonic() - began
            if self._process.poll() is not None or waited > _READY_SECONDS:
                self.kill()
                log_file = self.folder / "log"
                raise StackError(f"Kafka is not ready after {waited:.0f} s. Read {log_file}:\n{log_tail(log_file)}")
            time.sleep(0.1)
        return time.monotonic() - began

    def stop(self) -> None:
        """Terminate the process, and wait for its end. Kill it after 20 s."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """Kill the process, as `kill -9` does."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(_GRACE_SECONDS)

    def _format(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        data = self.folder / "data"
        text = _PROPERTIES.format(
            host=LOOPBACK, port=self.port, controller=self.controller_port, data=data, partitions=self.partitions
        )
        properties.write_text(text, encoding="utf-8")
        (self.folder / "log4j2.xml").write_text(_LOGGING, encoding="utf-8")
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        argv = self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties))
        answer = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_READY_SECONDS)
        if answer.returncode != 0:
            raise StackError(f"Kafka's data folder {data} was not made: {answer.stderr.strip()}. Use an empty folder.")

    def _java(self, main: str, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.xml'}"
        return ["java", "-Xms64m", _HEAP, logging, "-cp", f"{self.libraries}/*", main, *arguments]

    def _accepts(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex((LOOPBACK, self.port)) == 0
