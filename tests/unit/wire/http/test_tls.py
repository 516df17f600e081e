"""Certificate files, valid and invalid."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flext_observability.wire.http.tls import TlsFileError, TlsFiles, client_context
from tests.backends.certificates import Certificates, make_certificates


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def test_default_is_the_authorities_of_the_system() -> None:
    assert not TlsFiles().given
    assert client_context(TlsFiles()).check_hostname


def test_all_files(certificates: Certificates) -> None:
    files = TlsFiles(str(certificates.authority), str(certificates.client), str(certificates.client_key))
    assert files.given
    assert len(client_context(files).get_ca_certs()) == 1


def test_key_in_the_certificate_file(certificates: Certificates) -> None:
    assert client_context(TlsFiles(client_certificate_file=str(certificates.server))) is not None


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TlsFileError, match=r"gone\.pem cannot be read") as caught:
        client_context(TlsFiles(str(tmp_path / "gone.pem")))
    assert caught.value.role == "certificate"


def test_a_pipe_is_an_error_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pem")
    with pytest.raises(TlsFileError, match=r"pipe\.pem cannot be read \(it is not a regular file\)"):
        client_context(TlsFiles(str(tmp_path / "pipe.pem")))


def test_file_without_a_certificate(tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("hello")
    with pytest.raises(TlsFileError, match="contains no valid PEM certificate"):
        client_context(TlsFiles(str(tmp_path / "text.pem")))


def test_certificate_without_its_key(certificates: Certificates) -> None:
    with pytest.raises(TlsFileError, match="no PEM certificate with its unencrypted key") as caught:
        client_context(TlsFiles(client_certificate_file=str(certificates.client)))
    assert caught.value.role == "client_certificate"


def test_key_of_another_certificate(certificates: Certificates) -> None:
    files = TlsFiles(client_certificate_file=str(certificates.client), client_key_file=str(certificates.server))
    with pytest.raises(TlsFileError, match=r"client\.pem and .*server\.pem") as caught:
        client_context(files)
    assert caught.value.role == "client_key"


def test_key_without_certificate(certificates: Certificates) -> None:
    with pytest.raises(TlsFileError, match="is set without a certificate") as caught:
        client_context(TlsFiles(client_key_file=str(certificates.client_key)))
    assert caught.value.role == "client_certificate"
