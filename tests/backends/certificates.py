"""Certificates made at run time: an authority, a server certificate for loopback and a client certificate, as PEM files."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files, and the authority behind them.

    Attributes:
        authority: Certificate that signed the others.
        server: Server certificate with its key, for ``127.0.0.1`` and ``localhost``.
        client: Client certificate.
        client_key: Its private key.
    """

    authority: Path
    server: Path
    client: Path
    client_key: Path

    def server_context(self, *, ask_client: bool = False) -> ssl.SSLContext:
        """Return a TLS context for a server; with ``ask_client`` it wants a certificate of the same authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        if ask_client:
            context.load_verify_locations(self.authority)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def make_certificates(folder: Path) -> Certificates:
    """Write a fresh set of certificates into the folder."""
    made = Certificates(folder / "authority.pem", folder / "server.pem", folder / "client.pem", folder / "client.key")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(made.authority)
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(made.server)
    client = authority.issue_cert("client@example.org")
    client.cert_chain_pems[0].write_to_path(made.client)
    client.private_key_pem.write_to_path(made.client_key)
    return made
