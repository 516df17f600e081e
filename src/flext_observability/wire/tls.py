"""Certificate files → TLS client context, each mistake naming the file (ssl is imported on use)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files; None uses the system's certificate authorities, or no client certificate.

    Attributes:
        certificate_file: Certificate authorities that may have signed the server's certificate.
        client_certificate_file: Certificate, with its chain, that this side shows.
        client_key_file: Private key of that certificate; None when it is in the same file.
    """

    certificate_file: str | None = None
    client_certificate_file: str | None = None
    client_key_file: str | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """The paths that are set, in order."""
        paths = (self.certificate_file, self.client_certificate_file, self.client_key_file)
        return tuple(path for path in paths if path)


class TlsFileError(Exception):
    """A certificate or key file cannot be used; the text names the file and says why."""


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a verifying client context.

    Raises:
        TlsFileError: A file is missing, unreadable, or does not hold what it should.
    """
    import ssl

    for path in files.given:
        _check_readable(path)
    try:
        context = ssl.create_default_context(cafile=files.certificate_file)
    except ssl.SSLError as error:
        raise TlsFileError(f"{files.certificate_file} holds no usable PEM certificate ({error.reason or error})") from error
    if files.client_certificate_file:
        _load_client_certificate(context, files.client_certificate_file, files.client_key_file)
    elif files.client_key_file:
        raise TlsFileError(f"the client key {files.client_key_file} is set without a client certificate")
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load_client_certificate(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    import ssl

    try:
        # The empty password keeps an encrypted key from asking on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        names = f"{certificate} and {key}" if key else certificate
        raise TlsFileError(f"{names} hold no usable PEM certificate with its unencrypted key ({error.reason or error})") from error


def _check_readable(path: str) -> None:
    try:
        with Path(path).open("rb"):
            return
    except OSError as error:
        raise TlsFileError(f"{path} cannot be read ({error.strerror or error})") from error
