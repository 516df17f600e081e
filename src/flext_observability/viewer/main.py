"""Command line of the viewer. Exit code 0, or 1 if it cannot listen."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from waitress.server import create_server

from flext_observability.viewer.app import MAX_BODY_BYTES, ViewerApp
from flext_observability.viewer.screen import Screen
from flext_observability.viewer.store import Store, StoreLimits
from flext_observability.views.terminal.output import Terminal

if TYPE_CHECKING:
    from waitress.server import BaseWSGIServer, MultiSocketServer

_SERVER_LIMITS: dict[str, Any] = {
    "threads": 4,
    "connection_limit": 500,
    "channel_timeout": 30,
    "max_request_body_size": 2 * MAX_BODY_BYTES,  # up to this limit the reply is an OTLP message
    "ident": "",
}
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the viewer until SIGINT, SIGTERM or ``--quit-after``."""
    options = _parser().parse_args(arguments)
    store = Store(StoreLimits(max_bytes=options.memory * 2**20))
    screen = Screen(Terminal(sys.stdout, plain=options.plain), store, quiet=options.quiet)
    app = ViewerApp(store, screen.on_data, loopback_only=_is_loopback(options.host))
    try:
        listener = _listen(options.host, options.port)
    except OSError as error:
        print(_explain(error, options.host, options.port), file=sys.stderr)
        return 1
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # no warnings for bursts of requests
    server = create_server(app, sockets=[listener], **_SERVER_LIMITS)
    before = [signal.signal(number, _stop) for number in _STOP_SIGNALS]
    try:
        _serve(server, screen, options, _address(listener))
        screen.summary()
    finally:
        for number, handler in zip(_STOP_SIGNALS, before, strict=True):
            signal.signal(number, handler)
        _flush_or_detach(sys.stdout)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flext_observability.viewer",
        description="Receive OTLP over HTTP on this machine, draw traces as trees, end with a table of metrics.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--port", type=_port, default=4318, help="port to listen on; 0 for a free one (%(default)s)")
    add("--plain", action="store_true", help="plain ASCII without colours")
    add("--quiet", action="store_true", help="draw only the final table, no traces and log lines")
    add("--quit-after", type=_seconds, metavar="SECONDS", help="stop after this time")
    add("--ready-file", type=_file, metavar="PATH", help="write the address to this file when the viewer is ready")
    add(
        "--memory",
        type=_megabytes,
        default=128,
        metavar="MB",
        help="memory limit, for traces, logs and metrics each (%(default)s)",
    )
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _megabytes(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 10**6):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of megabytes above 0")
    return int(text)


def _file(text: str) -> Path:
    if not Path(text).parent.is_dir():
        raise argparse.ArgumentTypeError(f"the directory of {text!r} does not exist")
    return Path(text)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def _address(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken. Stop the program that uses it, or choose another port with --port."
    return f"Cannot listen on port {port} of {host}: {error}. Choose an address of this machine with --host."


def _serve(
    server: BaseWSGIServer | MultiSocketServer, screen: Screen, options: argparse.Namespace, address: str
) -> None:
    """Handle requests until a signal. Running requests are completed."""
    timer = threading.Timer(options.quit_after or 0, os.kill, (os.getpid(), signal.SIGTERM))
    timer.daemon = True
    with suppress(SystemExit):
        screen.banner(address)
        if options.ready_file:
            _write_atomically(options.ready_file, address + "\n")
        if options.quit_after:
            timer.start()
        server.run()
    timer.cancel()
    server.close()


def _flush_or_detach(stream: TextIO) -> None:
    """Flush a stream. If its reader is gone, detach it, so that the flush at interpreter exit does not fail."""
    try:
        stream.flush()
    except OSError:
        with Path(os.devnull).open("w", encoding="utf-8") as devnull:
            os.dup2(devnull.fileno(), stream.fileno())


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    for other in _STOP_SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # the first signal is enough
    raise SystemExit(0)


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
