"""`python -m monitoring.webhook`: a local receiver of Alertmanager's notifications."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import waitress

from monitoring.webhook.app import MAX_BODY_BYTES, WebhookApp
from monitoring.webhook.notifications import Notifications


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C. Return the exit code."""
    given = _parser().parse_args(arguments)
    token = _token(given.token_file)
    if token is None:
        print(
            f"{given.token_file}: the token cannot be read or is empty. Run `make observability-init`.", file=sys.stderr
        )
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    app = WebhookApp(Notifications(given.keep), token)
    host, port = given.listen
    print(f"Notifications of Alertmanager: http://{host}:{port}/", flush=True)
    try:
        waitress.serve(
            app,
            host=host,
            port=port,
            threads=8,
            ident=None,
            connection_limit=100,
            channel_timeout=90,
            max_request_body_size=MAX_BODY_BYTES + 1,
            clear_untrusted_proxy_headers=True,
        )
    except OSError as error:
        print(f"{host}:{port}: {error.strerror}. Stop the process that uses it, or set --listen.", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m monitoring.webhook", description=__doc__)
    parser.add_argument("--listen", type=_address, default=("127.0.0.1", 9095), metavar="HOST:PORT")
    parser.add_argument("--token-file", type=Path, help="file with the bearer token of Alertmanager (default: none)")
    parser.add_argument("--keep", type=_count, default=500, help="notifications in memory (default: %(default)s)")
    return parser


def _address(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.port is None:
        raise argparse.ArgumentTypeError(f"invalid address {text!r}: write HOST:PORT")
    return parts.hostname, parts.port


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError("give 1 to 10000")
    return int(text)


def _token(file: Path | None) -> str | None:
    """Return the token, empty without a file, or None if it cannot be used."""
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
