"""Certificate files → TLS client context, each mistake naming the file (ssl is imported on use)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import ssl

FileRole = Literal["certificate", "client_certificate", "client_key"]


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
    def given(self) -> bool:
        """Whether any path is set."""
        return bool(self.certificate_file or self.client_certificate_file or self.client_key_file)


class TlsFileError(Exception):
    """A certificate or key file cannot be used.

    Attributes:
        role: Which file: ``certificate``, ``client_certificate`` or ``client_key``.
        message: What is wrong with it, one sentence that names it.
    """

    def __init__(self, role: FileRole, message: str) -> None:
        super().__init__(message)
        self.role: FileRole = role
        self.message = message


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a verifying client context.

    Raises:
        TlsFileError: A file is missing, unreadable, or does not hold what it should.
    """
    import ssl

    read_pems(files)
    try:
        context = ssl.create_default_context(cafile=files.certificate_file)
    except ssl.SSLError as error:
        raise TlsFileError("certificate", f"{files.certificate_file} holds no usable PEM certificate") from error
    if files.client_certificate_file:
        _load_client_certificate(context, files.client_certificate_file, files.client_key_file)
    elif files.client_key_file:
        raise TlsFileError("client_certificate", f"the client key {files.client_key_file} is set without a certificate")
    context.set_alpn_protocols(["http/1.1"])
    return context


def read_pems(files: TlsFiles) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Return what the files hold: authorities, client key, client certificate; None for those not set.

    Raises:
        TlsFileError: A file is missing or unreadable.
    """
    return (
        _read("certificate", files.certificate_file),
        _read("client_key", files.client_key_file),
        _read("client_certificate", files.client_certificate_file),
    )


def _load_client_certificate(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    import ssl

    try:
        # The empty password keeps an encrypted key from asking on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        place = f"{certificate} and {key}" if key else certificate
        message = f"{place} hold no PEM certificate with its key, unencrypted ({error.reason or error})"
        raise TlsFileError("client_key" if key else "client_certificate", message) from error


def _read(role: FileRole, path: str | None) -> bytes | None:
    try:
        return Path(path).read_bytes() if path else None
    except OSError as error:
        raise TlsFileError(role, f"{path} cannot be read ({error.strerror})") from error
