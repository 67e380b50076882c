"""Verified TLS and credentials towards a real Orthanc behind a real nginx."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pacsgate.model.errors import ArchiveError, SettingsError
from pacsgate.model.resource import ArchiveName
from pacsgate.upstream.dicomweb.origin import DicomWebArchive
from pacsgate.upstream.dicomweb.settings import DicomWebSettings
from pacsgate.upstream.http.settings import BearerCredentials, ClientCredentials
from tests.support.clocks import HandClock
from tests.support.nginx import running_nginx
from tests.support.objects import shipped
from tests.support.orthanc import Orthanc, running_orthanc
from tests.support.ports import free_port
from tests.support.scripted_http import answering
from tests.support.tls import CertificateAuthority

pytestmark = [pytest.mark.server("orthanc"), pytest.mark.server("nginx")]

ITEM = shipped("CT_small.dcm")


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as server:
        server.upload(ITEM.data)
        yield server


@contextmanager
def opened(
    settings: DicomWebSettings, directory: Path, clock: HandClock | None = None
) -> Iterator[DicomWebArchive]:
    archive = DicomWebArchive(ArchiveName("main"), settings, directory, clock or HandClock())
    try:
        yield archive
    finally:
        archive.close()


def read(archive: DicomWebArchive) -> bytes:
    return b"".join(archive.open(ITEM.key).chunks())


@contextmanager
def tls_proxy(
    directory: Path, orthanc: Orthanc, authority: CertificateAuthority, *names: str
) -> Iterator[int]:
    certificate, key = authority.issue(*names)
    port = free_port()
    server = (
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};"
        f" location / {{ proxy_pass {orthanc.url}; }} }}"
    )
    with running_nginx(directory / "nginx", server, port=port):
        yield port


def test_the_configured_authority_is_trusted_and_no_other(tmp_path: Path, orthanc: Orthanc) -> None:
    ours = CertificateAuthority(tmp_path / "ours", "ours")
    theirs = CertificateAuthority(tmp_path / "theirs", "theirs")
    with tls_proxy(tmp_path, orthanc, ours, "127.0.0.1", "localhost") as port:
        for host in ("127.0.0.1", "localhost"):
            settings = DicomWebSettings(f"https://{host}:{port}/dicom-web", ca_file=ours.ca_file)
            with opened(settings, tmp_path / "gate") as archive:
                assert read(archive) == ITEM.data
        for ca_file in (theirs.ca_file, None):
            settings = DicomWebSettings(f"https://127.0.0.1:{port}/dicom-web", ca_file=ca_file)
            with opened(settings, tmp_path / "gate") as archive, pytest.raises(ArchiveError) as failed:
                read(archive)
            assert "certificate" in (failed.value.detail or "")


def test_a_certificate_for_another_name_is_refused(tmp_path: Path, orthanc: Orthanc) -> None:
    ours = CertificateAuthority(tmp_path / "ours")
    with tls_proxy(tmp_path, orthanc, ours, "archive.invalid") as port:
        settings = DicomWebSettings(f"https://127.0.0.1:{port}/dicom-web", ca_file=ours.ca_file)
        with opened(settings, tmp_path / "gate") as archive, pytest.raises(ArchiveError):
            read(archive)


def test_a_file_without_certificates_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_bytes(b"")
    for ca_file in (tmp_path / "empty.pem", tmp_path / "absent.pem"):
        with (
            pytest.raises(SettingsError, match="ca_file"),
            opened(DicomWebSettings("https://a/", ca_file=ca_file), tmp_path),
        ):
            pass


@contextmanager
def bearer_proxy(directory: Path, orthanc: Orthanc, token: str) -> Iterator[str]:
    """Orthanc behind an nginx that lets exactly this token in."""
    port = free_port()
    server = (
        f"server {{ listen 127.0.0.1:{port};"
        f' if ($http_authorization != "Bearer {token}") {{ return 401; }}'
        f' location / {{ proxy_set_header Authorization ""; proxy_pass {orthanc.url}; }} }}'
    )
    with running_nginx(directory / "nginx", server, port=port):
        yield f"http://127.0.0.1:{port}/dicom-web"


class TokenEndpoint:
    """Hands out `token-1`, `token-2`, … to the one client it knows."""

    def __init__(self) -> None:
        self.handed_out = 0

    def answer(self, head: bytes) -> bytes:
        known = b"Basic " + base64.b64encode(b"gate:a%2Bb")
        status, fields = "401 Unauthorized", {"error": "invalid_client"}
        if known in head:
            self.handed_out += 1
            status = "200 OK"
            fields = {"access_token": f"token-{self.handed_out}", "token_type": "Bearer", "expires_in": 300}
        body = json.dumps(fields).encode()
        return (
            f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
        )


def test_a_fixed_token_is_sent(tmp_path: Path, orthanc: Orthanc) -> None:
    with bearer_proxy(tmp_path, orthanc, "right") as url:
        with opened(DicomWebSettings(url, BearerCredentials("right")), tmp_path / "gate") as archive:
            assert read(archive) == ITEM.data
        wrong = DicomWebSettings(url, BearerCredentials("wrong"))
        with opened(wrong, tmp_path / "gate") as archive, pytest.raises(ArchiveError):
            read(archive)


def test_a_token_is_fetched_once_and_again_half_a_minute_before_it_expires(
    tmp_path: Path, orthanc: Orthanc
) -> None:
    endpoint, clock = TokenEndpoint(), HandClock()
    with answering(endpoint.answer) as token_url, bearer_proxy(tmp_path, orthanc, "token-1") as url:
        settings = DicomWebSettings(url, ClientCredentials(token_url, "gate", "a+b", "dicom"))
        with opened(settings, tmp_path / "gate", clock) as archive:
            assert read(archive) == read(archive) == ITEM.data
            clock.advance(seconds=269)
            assert read(archive) == ITEM.data
            assert endpoint.handed_out == 1
            clock.advance(seconds=2)
            with pytest.raises(ArchiveError):
                read(archive)
            assert endpoint.handed_out == 3, "one because of the time, one because the new one was refused"


def test_a_token_that_is_refused_is_replaced_once(tmp_path: Path, orthanc: Orthanc) -> None:
    endpoint = TokenEndpoint()
    with answering(endpoint.answer) as token_url, bearer_proxy(tmp_path, orthanc, "token-2") as url:
        settings = DicomWebSettings(url, ClientCredentials(token_url, "gate", "a+b"))
        with opened(settings, tmp_path / "gate") as archive:
            assert read(archive) == ITEM.data
            assert read(archive) == ITEM.data
        assert endpoint.handed_out == 2


def test_a_token_endpoint_that_refuses_is_an_archive_error(tmp_path: Path, orthanc: Orthanc) -> None:
    endpoint = TokenEndpoint()
    with answering(endpoint.answer) as token_url:
        settings = DicomWebSettings(orthanc.dicomweb_url, ClientCredentials(token_url, "gate", "wrong"))
        with opened(settings, tmp_path / "gate") as archive, pytest.raises(ArchiveError, match="no token"):
            read(archive)
