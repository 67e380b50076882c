"""Objects sent as they are stored: to dcmtk's storescp, plain and over TLS, and to peers that take little at a time."""

import hashlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pynetdicom import AE, evt
from pynetdicom.presentation import build_context

from pacsgate.dicom.file_meta import read_part10_head
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import ArchiveError
from pacsgate.ports.sending import PresentationContext
from pacsgate.upstream.dimse.peer import ClientIdentity, TlsSettings, client_context
from pacsgate.upstream.dimse.sending import PeerDestinations
from pacsgate.upstream.local_file import LocalFile
from tests.support.objects import SHIPPED, Part10, shipped
from tests.support.ports import free_port
from tests.support.storescp import Storescp, running_storescp
from tests.support.tls import CertificateAuthority

dcmtk = pytest.mark.server("dcmtk")
CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"


@pytest.fixture(scope="module")
def storescp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storescp]:
    with running_storescp(tmp_path_factory.mktemp("storescp")) as server:
        yield server


def context_of(item: Part10) -> PresentationContext:
    head = read_part10_head(item.data)
    return PresentationContext(head.sop_class_uid, head.transfer_syntax_uid)


def data_set_of(part10: bytes) -> bytes:
    return part10[read_part10_head(part10).data_set_offset :]


def written(item: Part10, directory: Path) -> Path:
    path = directory / f"{item.digest}.dcm"
    path.write_bytes(item.data)
    return path


def send(remote: RemoteAe, item: Part10, path: Path) -> int:
    context = context_of(item)
    destinations = PeerDestinations(timeout_seconds=10)
    with destinations.open(remote, {context}, calling_ae_title="GATE") as sending:
        sent = sending.send(path, context=context, sop_instance_uid=item.key.sop_instance_uid or "")
    assert sent.status == 0
    return sent.bytes_sent


@dcmtk
@pytest.mark.parametrize("name", SHIPPED)
def test_a_data_set_arrives_byte_for_byte_in_the_syntax_in_which_it_is_stored(
    storescp: Storescp, tmp_path: Path, name: str
) -> None:
    item = shipped(name)
    count = send(storescp.remote(), item, written(item, tmp_path))
    arrived = storescp.received()
    assert data_set_of(item.data) in {data_set_of(one) for one in arrived}
    assert count == len(data_set_of(item.data))
    assert context_of(item).transfer_syntax_uid in {
        read_part10_head(one).transfer_syntax_uid for one in arrived
    }


@dcmtk
def test_the_destination_hears_who_asked_for_the_object(storescp: Storescp, tmp_path: Path) -> None:
    item = shipped("CT_small.dcm")
    path, context = written(item, tmp_path), context_of(item)
    with PeerDestinations().open(storescp.remote(), [context], calling_ae_title="MY-GATE") as sending:
        sending.send(path, context=context, sop_instance_uid="1.2.3", originator=("WORKSTATION", 77))
    log = storescp.log.read_text(errors="replace")
    assert "Move Originator AE Title      : WORKSTATION" in log
    assert "Move Originator ID            : 77" in log
    assert "MY-GATE" in log


@dcmtk
def test_a_context_that_the_destination_did_not_accept_is_said_before_anything_is_sent(
    storescp: Storescp, tmp_path: Path
) -> None:
    item = shipped("CT_small.dcm")
    path, context = written(item, tmp_path), context_of(item)
    unknown = PresentationContext("1.2.3.4.5", EXPLICIT)
    with PeerDestinations().open(storescp.remote(), [context, unknown], calling_ae_title="GATE") as sending:
        assert (sending.accepts(context), sending.accepts(unknown)) == (True, False)
        with pytest.raises(ArchiveError):
            sending.send(path, context=unknown, sop_instance_uid="1.2.3")


@dcmtk
def test_an_object_that_is_stored_otherwise_than_was_agreed_is_not_sent(
    storescp: Storescp, tmp_path: Path
) -> None:
    item = shipped("JPEG2000.dcm")
    agreed = PresentationContext(context_of(item).sop_class_uid, EXPLICIT)
    held = len(storescp.received())
    with (
        pytest.raises(ArchiveError),
        PeerDestinations().open(storescp.remote(), [agreed], calling_ae_title="GATE") as sending,
    ):
        sending.send(written(item, tmp_path), context=agreed, sop_instance_uid="1.2.3")
    assert len(storescp.received()) == held


@pytest.mark.parametrize("maximum_length", [0, 128, 16382, 1 << 20])
def test_whatever_a_peer_takes_at_a_time_it_gets_the_whole(tmp_path: Path, maximum_length: int) -> None:
    item = shipped("CT_small.dcm")
    arrived: list[bytes] = []

    def store(event: evt.Event) -> int:
        arrived.append(event.request.DataSet.getvalue())
        return 0

    longest: list[int] = []
    entity = AE("DEST")
    entity.add_supported_context(CT, EXPLICIT)
    entity.maximum_pdu_size = maximum_length
    port = free_port()
    handlers = [
        (evt.EVT_C_STORE, store),
        (evt.EVT_DATA_RECV, lambda event: longest.append(len(event.data))),
    ]
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    try:
        remote = RemoteAe("DEST", host="127.0.0.1", port=port)
        path = written(item, tmp_path)
        send(remote, item, path)
        context = context_of(item)
        with PeerDestinations().open(remote, [context], calling_ae_title="GATE") as sending:
            source = LocalFile(path, len(item.data))
            sent = sending.send(source, context=context, sop_instance_uid="1.2.3")
        assert sent.bytes_sent == len(data_set_of(item.data))
    finally:
        server.shutdown()
    assert arrived == [data_set_of(item.data)] * 2
    # An association request is as long as it is; of the rest none is longer than was said.
    assert maximum_length == 0 or sorted(longest)[-3] <= max(maximum_length + 6, 300)


def test_a_destination_that_nobody_listens_at_is_an_archive_error() -> None:
    remote = RemoteAe("DEST", host="127.0.0.1", port=free_port())
    with pytest.raises(ArchiveError, match="unreachable"):
        PeerDestinations().open(remote, [PresentationContext(CT, EXPLICIT)], calling_ae_title="GATE")


def test_a_destination_that_rejects_says_why_to_the_log_only() -> None:
    entity = AE("DEST")
    entity.add_supported_context(CT)
    entity.require_called_aet = True
    port = free_port()
    server = entity.start_server(("127.0.0.1", port), block=False)
    try:
        remote = RemoteAe("OTHER", host="127.0.0.1", port=port)
        with pytest.raises(ArchiveError) as refused:
            PeerDestinations().open(remote, [PresentationContext(CT, EXPLICIT)], calling_ae_title="GATE")
        assert refused.value.public == "the DICOM peer refuses the association"
        assert refused.value.detail == "called AE title not recognized"
    finally:
        server.shutdown()


@pytest.fixture(scope="module")
def over_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path, str]]:
    """A destination with a certificate: its port, the authority's file, the certificate's fingerprint."""
    authority = CertificateAuthority(tmp_path_factory.mktemp("authority"))
    certificate, key = authority.issue("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    entity = AE("DEST")
    entity.add_supported_context(build_context(CT).abstract_syntax, EXPLICIT)
    port = free_port()
    server = entity.start_server(
        ("127.0.0.1", port), block=False, ssl_context=context, evt_handlers=[(evt.EVT_C_STORE, lambda _: 0)]
    )
    shown = x509.load_pem_x509_certificate(certificate.read_bytes())
    fingerprint = hashlib.sha256(shown.public_bytes(Encoding.DER)).hexdigest()
    yield port, authority.ca_file, fingerprint
    server.shutdown()


def test_over_tls_a_destination_is_known_by_its_certificate_or_by_its_authority(
    over_tls: tuple[int, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, ca_file, fingerprint = over_tls
    item = shipped("CT_small.dcm")
    path = written(item, tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))  # the authorities that OpenSSL takes for the system's
    client_context.cache_clear()
    pinned = RemoteAe("DEST", host="127.0.0.1", port=port, tls=True, certificate_sha256=fingerprint)
    signed = RemoteAe("DEST", host="127.0.0.1", port=port, tls=True)
    assert send(pinned, item, path) == send(signed, item, path)
    client_context.cache_clear()


def test_a_destination_that_asks_for_a_certificate_is_shown_the_gates(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path / "authority")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # in 1.3 a client learns of a refusal only later
    context.load_cert_chain(*authority.issue("127.0.0.1"))
    entity = AE("DEST")
    entity.add_supported_context(CT, EXPLICIT)
    server = entity.start_server(("127.0.0.1", 0), block=False, ssl_context=context)
    remote = RemoteAe("DEST", host="127.0.0.1", port=server.server_address[1], tls=True)
    known = ClientIdentity(*authority.card("gate").files)
    strange = ClientIdentity(*CertificateAuthority(tmp_path / "strangers").card("gate").files)
    contexts = [PresentationContext(CT, EXPLICIT)]
    try:
        destinations = PeerDestinations(tls=TlsSettings(authority.ca_file, identity=known))
        with destinations.open(remote, contexts, calling_ae_title="GATE") as sending:
            assert sending.accepts(contexts[0])
        for identity in (strange, None):
            refused = PeerDestinations(tls=TlsSettings(authority.ca_file, identity=identity))
            with pytest.raises(ArchiveError, match="unreachable"):
                refused.open(remote, contexts, calling_ae_title="GATE")
    finally:
        server.shutdown()


def test_over_tls_a_destination_with_another_certificate_gets_nothing(
    over_tls: tuple[int, Path, str], tmp_path: Path
) -> None:
    port, _, fingerprint = over_tls
    item = shipped("CT_small.dcm")
    path = written(item, tmp_path)
    other = fingerprint.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))
    for certificate in (other, None):
        remote = RemoteAe("DEST", host="127.0.0.1", port=port, tls=True, certificate_sha256=certificate)
        with pytest.raises(ArchiveError) as refused:
            send(remote, item, path)
        assert (refused.value.detail or "").startswith("TLS")
