"""Certificate files → TLS client context; errors name the file (ssl is imported on use)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from flext_observability.values.named_tuple import NamedTuple
from flext_observability.values.regular_file import read_regular

if TYPE_CHECKING:
    import ssl

FileRole = Literal["certificate", "client_certificate", "client_key"]


class TlsFiles(NamedTuple):
    """Paths of PEM files.

    Attributes:
        certificate_file: Certificate authorities to trust; None for those of the system.
        client_certificate_file: Client certificate with its chain; None for no client certificate.
        client_key_file: Private key of the client certificate; None if it is in the same file.
    """

    certificate_file: str | None = None
    client_certificate_file: str | None = None
    client_key_file: str | None = None

    @property
    def given(self) -> bool:
        """Whether a path is set."""
        return bool(self.certificate_file or self.client_certificate_file or self.client_key_file)


class TlsFileError(Exception):
    """A certificate or key file cannot be used.

    Attributes:
        role: File concerned: ``certificate``, ``client_certificate`` or ``client_key``.
        message: What is wrong, with the path and without a full stop.
    """

    def __init__(self, role: FileRole, message: str) -> None:
        super().__init__(message)
        self.role: FileRole = role
        self.message = message


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a client context that verifies the server's certificate.

    Raises:
        TlsFileError: A file is missing, unreadable or invalid.
    """
    import ssl

    read_pems(files)
    try:
        context = ssl.create_default_context(cafile=files.certificate_file)
    except ssl.SSLError as error:
        raise TlsFileError("certificate", f"{files.certificate_file} contains no valid PEM certificate") from error
    if files.client_certificate_file:
        _load_client_certificate(context, files.client_certificate_file, files.client_key_file)
    elif files.client_key_file:
        raise TlsFileError("client_certificate", f"the client key {files.client_key_file} is set without a certificate")
    context.set_alpn_protocols(["http/1.1"])
    return context


def read_pems(files: TlsFiles) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Return the contents of the files: authorities, client key, client certificate; None for those not set.

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
        # Without a password argument, OpenSSL asks for the one of an encrypted key on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        files = f"{certificate} and {key}" if key else certificate
        message = f"{files}: no PEM certificate with its unencrypted key ({error.reason or error})"
        raise TlsFileError("client_key" if key else "client_certificate", message) from error


def _read(role: FileRole, path: str | None) -> bytes | None:
    try:
        return read_regular(path) if path else None
    except OSError as error:
        raise TlsFileError(role, f"{path} cannot be read ({error.strerror})") from error
