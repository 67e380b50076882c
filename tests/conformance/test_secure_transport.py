"""TLS in front of associations: profiles, client certificates, and peers that only begin to shake hands.

PS3.15 B.12 (BCP 195 RFC 8996, 9325 TLS), B.13 (Modified BCP 195 RFC 8996, 9325 TLS); PS3.8 9.1.
"""

import hashlib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pacsgate.gateway.dimse import association
from pacsgate.model.application_entity import RemoteAe
from tests.support.dimse_gate import SETTINGS, DicomGate, open_dicom_gate
from tests.support.dimse_wire import Wire, associate_rq, identity_item, rejection, wire
from tests.support.people import PASSWORD
from tests.support.tls import CertificateAuthority
from tests.support.waiting import wait_until

TLS = "    tls: {{certificate: {certificate}, key: {key}, client_ca: {ca}{more}}}"


@dataclass(frozen=True)
class Secured:
    """A door with TLS, and whom its clients trust."""

    gate: DicomGate
    authority: CertificateAuthority

    def context(self, *, shows: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.authority.ca_file)
        if shows is not None:
            context.load_cert_chain(*shows)
        return context

    def connect(self, context: ssl.SSLContext) -> Wire:
        plain = socket.create_connection(("127.0.0.1", self.gate.port), timeout=10)
        return Wire(context.wrap_socket(plain, server_hostname="127.0.0.1"))


def secured(directory: Path, more: str = "") -> Iterator[Secured]:
    authority = CertificateAuthority(directory / "ca")
    certificate, key = authority.issue("127.0.0.1")
    tls = TLS.format(certificate=certificate, key=key, ca=authority.ca_file, more=more)
    settings = SETTINGS.replace("  allow_cleartext_identity: true\n", "").replace(
        "  listeners: [{port: 0}]\n", f"  listeners:\n  - port: 0\n{tls}\n"
    )
    with open_dicom_gate(directory, settings) as gate:
        yield Secured(gate, authority)


@pytest.fixture(scope="module")
def optional(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A listener that asks for a certificate and takes those who have none."""
    yield from secured(tmp_path_factory.mktemp("tls"), ", client_certificate_required: false")


@pytest.fixture(scope="module")
def required(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    yield from secured(tmp_path_factory.mktemp("mutual"), ", profile: extended-bcp-195")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_identity_may_be_shown_inside_tls(optional: Secured, version: ssl.TLSVersion) -> None:
    context = optional.context()
    context.minimum_version = context.maximum_version = version
    peer = optional.connect(context)
    peer.associate(associate_rq("PACSGATE", user_items=identity_item(2, b"reader1", PASSWORD.encode())))
    assert peer.echo() == 0
    peer.socket.close()


def test_older_versions_are_not_spoken(optional: Secured) -> None:
    """RFC 8996: TLS 1.0 and 1.1 must not be used."""
    command = [
        "openssl",
        "s_client",
        "-connect",
        f"127.0.0.1:{optional.gate.port}",
        "-tls1_1",
        "-cipher",
        "ALL:@SECLEVEL=0",
    ]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=20, check=False)
    assert b"Cipher is (NONE)" in done.stdout


@pytest.mark.parametrize(
    ("suite", "is_taken"),
    [
        ("ECDHE-ECDSA-AES256-GCM-SHA384", True),
        ("ECDHE-ECDSA-AES128-GCM-SHA256", False),
        ("ECDHE-ECDSA-AES256-SHA384", False),
    ],
)
def test_the_extended_profile_takes_stronger_suites_only(
    required: Secured, suite: str, *, is_taken: bool
) -> None:
    context = required.context(shows=required.authority.issue("modality"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{suite}:@SECLEVEL=0")
    if is_taken:
        required.connect(context).socket.close()
    else:
        with pytest.raises(ssl.SSLError):
            required.connect(context)


def test_without_the_certificate_that_is_required_nobody_comes_in(required: Secured) -> None:
    context = required.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # in 1.3 a client learns of it only later
    with pytest.raises(OSError):
        required.connect(context)
    wait_until(lambda: "no TLS handshake" in required.gate.causes())


def test_a_certificate_of_another_authority_is_none(required: Secured, tmp_path: Path) -> None:
    stranger = CertificateAuthority(tmp_path, "strangers").issue("modality")
    context = required.context(shows=stranger)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError):
        required.connect(context)


def test_a_device_is_known_by_its_certificate(required: Secured) -> None:
    """PS3.15 B.12: the certificate is bound to the AE title, not any certificate of the authority."""
    certificate, key = required.authority.issue("ct-scanner")
    other = required.authority.issue("mr-scanner")
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text("ascii"))).hexdigest()
    required.gate.add_device(RemoteAe("SCANNER", "writer1", certificate_sha256=fingerprint, owner="op"))
    peer = required.connect(required.context(shows=(certificate, key)))
    peer.associate(associate_rq("PACSGATE", "SCANNER"))
    impostor = required.connect(required.context(shows=other))
    impostor.send(associate_rq("PACSGATE", "SCANNER"))
    assert rejection(impostor.pdu()) == (1, 2, 1)
    peer.socket.close()
    impostor.socket.close()


def test_who_does_not_shake_hands_keeps_nobody_waiting(
    optional: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library shakes hands where it accepts: one silent peer would keep everybody out."""
    with wire(optional.gate.port), wire(optional.gate.port) as second:
        second.send(b"\x16\x03\x01")
        peer = optional.connect(optional.context())
        peer.associate(associate_rq("WARD"))
        assert peer.echo() == 0
        peer.socket.close()
    monkeypatch.setattr(association, "REQUEST_SECONDS", 0.3)
    with wire(optional.gate.port) as silent:
        assert silent.is_closed(within=5)


def test_plain_dicom_is_not_spoken_where_tls_is(optional: Secured) -> None:
    with wire(optional.gate.port) as peer:
        peer.send(associate_rq("WARD"))
        assert peer.pdu()[:1] != b"\x02"
        assert peer.is_closed()


def test_a_large_message_goes_through_tls(optional: Secured) -> None:
    """Records of 16 KiB are buffered in the TLS object, where no poll sees them."""
    peer = optional.connect(optional.context())
    peer.associate(associate_rq("WARD"))
    for _ in range(50):
        assert peer.echo() == 0
    peer.socket.close()


@pytest.mark.server("dcmtk")
def test_dcmtk_speaks_tls_with_the_gate(required: Secured) -> None:
    certificate, key = required.authority.issue("workstation")
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text("ascii"))).hexdigest()
    required.gate.add_device(RemoteAe("DCMTK", "reader1", certificate_sha256=fingerprint, owner="op"))
    tls = ["+tls", str(key), str(certificate), "+cf", str(required.authority.ca_file)]
    answer = required.gate.client.tool("echoscu", "-v", *tls, "@", calling="DCMTK")
    assert "Received Echo Response (Success)" in answer
