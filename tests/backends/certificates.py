"""Create an authority, a server certificate for loopback and a client certificate, as PEM files."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """Paths of the PEM files.

    Attributes:
        authority: Certificate of the signing authority.
        server: Server certificate with its key, for ``127.0.0.1`` and ``localhost``.
        client: Client certificate.
        client_key: Its private key.
    """

    authority: Path
    server: Path
    client: Path
    client_key: Path

    def server_context(self, *, ask_client: bool = False) -> ssl.SSLContext:
        """Return a TLS context for a server. With ``ask_client`` it requires a client certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        if ask_client:
            context.load_verify_locations(self.authority)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def make_certificates(folder: Path) -> Certificates:
    """Write a fresh set of certificates into the folder."""
    paths = Certificates(folder / "authority.pem", folder / "server.pem", folder / "client.pem", folder / "client.key")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(paths.authority)
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(paths.server)
    client = authority.issue_cert("client@example.org")
    client.cert_chain_pems[0].write_to_path(paths.client)
    client.private_key_pem.write_to_path(paths.client_key)
    return paths
