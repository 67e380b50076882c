"""Who requests an association, on the wire: every kind of identity is the same person as over DICOMweb."""

import json
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from pydicom.dataset import Dataset
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find
from pynetdicom.sop_class import Verification

from pacsgate.model.application_entity import RemoteAe
from tests.support.assertions import (
    ISSUER,
    RsaSigner,
    SamlProvider,
    assertion_at,
    claims_at,
    key_set,
    web_token,
)
from tests.support.dimse import Dicom, Rejected, add_devices, dicom_doors, user_identity
from tests.support.hospital import FurnishedHospital, RunningHospital, opened
from tests.support.tls import CertificateAuthority
from tests.support.waiting import wait_until

SETTINGS = """\
dicom:
  listeners:
  - port: 0
  - port: 0
    tls: {{certificate: {certificate}, key: {key}, client_ca: {ca}, client_certificate_required: false}}
  ae_titles:
    PACSGATE: {{archive: main}}
    WARD_3: {{archive: main, account: rad1}}
identity:
  issuers:
  - {{name: tokens, kind: jwt, issuer: '{issuer}', audience: pacsgate, keys_file: keys.json, claims: {{groups: groups}}}}
  - {{name: assertions, kind: saml, issuer: '{issuer}', audience: pacsgate, recipient: 'dicom://pacsgate.example', certificates_file: idp.pem}}
"""
REFUSED = (1, 2, 1)


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the gate under test has the real clock


@dataclass(frozen=True)
class Ward:
    """A served hospital with issuers that it believes, and a door with TLS beside one without."""

    hospital: RunningHospital
    plain: Dicom
    secured: Dicom
    authority: CertificateAuthority
    signer: RsaSigner
    provider: SamlProvider
    shown: tuple[Path, Path]

    def tls(self, *, shows: bool = False) -> tuple[ssl.SSLContext, str]:
        context = ssl.create_default_context(cafile=self.authority.ca_file)
        if shows:
            context.load_cert_chain(*self.shown)
        return context, "127.0.0.1"

    def token(self, name: str, **changed: Any) -> bytes:
        return web_token(
            self.signer, claims_at(now(), preferred_username=name, sub=f"id of {name}", **changed)
        )

    def assertion(self, name: str, assertion_id: str) -> bytes:
        return self.provider.sign(assertion_at(now(), name=name, assertion_id=assertion_id)).encode()

    def rows(
        self, identity: Any = None, *, calling: str = "TEST", shows: bool = False, called: str = "PACSGATE"
    ) -> set[str]:
        """The StudyInstanceUIDs that a C-FIND over TLS answers with."""
        identifier = Dataset()
        identifier.QueryRetrieveLevel = "STUDY"
        identifier.StudyInstanceUID = ""
        with self.secured.called(called).associated(
            [build_context(Find)],
            calling=calling,
            negotiation=[identity] if identity else [],
            tls=self.tls(shows=shows),
        ) as association:
            found = [row for _, row in association.send_c_find(identifier, Find) if row is not None]
        return {str(row.StudyInstanceUID) for row in found}

    def over_the_web(self, persona: str) -> set[str]:
        answer = self.hospital.client(persona).get("/studies?limit=1000")
        return {row["0020000D"]["Value"][0] for row in answer.json()} if answer.status_code == 200 else set()


@pytest.fixture(scope="module")
def ward(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    directory = tmp_path_factory.mktemp("ward")
    made = furnished.copy_to(directory / "gate")
    authority = CertificateAuthority(directory / "ca")
    certificate, key = authority.issue("127.0.0.1")
    shown = authority.issue("workstation")
    signer, provider = RsaSigner(), SamlProvider(now())
    (made.config.parent / "keys.json").write_bytes(key_set(signer))
    (made.config.parent / "idp.pem").write_bytes(provider.certificate.public_bytes(Encoding.PEM))
    with made.config.open("a", encoding="utf-8") as file:
        file.write(SETTINGS.format(certificate=certificate, key=key, ca=authority.ca_file, issuer=ISSUER))
    fingerprint = sha256(ssl.PEM_cert_to_DER_cert(shown[0].read_text())).hexdigest()
    add_devices(
        made.config,
        RemoteAe("HERE", "rad1", networks=("127.0.0.0/8",), owner="o"),
        RemoteAe("ELSEWHERE", "rad1", networks=("192.0.2.0/24",), owner="o"),
        RemoteAe("SHOWS", "rad1", certificate_sha256=fingerprint, owner="o"),
        RemoteAe("VOUCHES", None, networks=("127.0.0.0/8",), vouches_for=frozenset({"radiology"}), owner="o"),
    )
    with opened(made) as running:
        plain, secured = dicom_doors(running)
        yield Ward(running, plain, secured, authority, signer, provider, shown)


def api_token(ward: Ward, *options: str) -> bytes:
    issued = ward.hospital.cli("token", "issue", "rad1", "--label", "t", "--json", *options)
    return str(json.loads(issued.stdout)["token"]).encode()


WAYS: dict[str, Callable[[Ward], set[str]]] = {
    "passcode": lambda ward: ward.rows(user_identity(2, b"rad1", ward.hospital.passwords["rad1"].encode())),
    "token-as-passcode": lambda ward: ward.rows(user_identity(2, b"rad1", api_token(ward))),
    "token-as-web-token": lambda ward: ward.rows(user_identity(5, api_token(ward))),
    "web-token": lambda ward: ward.rows(user_identity(5, ward.token("rad1"))),
    "saml": lambda ward: ward.rows(user_identity(4, ward.assertion("rad1", "_way"))),
    "network": lambda ward: ward.rows(calling="HERE"),
    "certificate": lambda ward: ward.rows(calling="SHOWS", shows=True),
    "called-title": lambda ward: ward.rows(called="WARD_3"),
}


@pytest.mark.parametrize("way", WAYS)
def test_whoever_it_is_proven_by_it_sees_what_it_sees_over_the_web(ward: Ward, way: str) -> None:
    expected = ward.over_the_web("rad1")
    assert expected
    assert WAYS[way](ward) == expected


def refusal(
    ward: Ward, identity: Any = None, *, calling: str = "TEST", plain: bool = False
) -> tuple[int, ...]:
    door = ward.plain if plain else ward.secured
    began = time.perf_counter()
    with (
        pytest.raises(Rejected) as rejected,
        door.associated(
            [build_context(Verification)],
            calling=calling,
            negotiation=[identity] if identity else [],
            tls=None if plain else ward.tls(),
        ),
    ):
        pass
    assert time.perf_counter() - began > 0.45
    return rejected.value.triple


@pytest.mark.long
@pytest.mark.parametrize(
    "identity",
    [
        lambda _: None,
        lambda _: user_identity(1, b"rad1"),
        lambda _: user_identity(2, b"rad1", b"wrong"),
        lambda _: user_identity(2, b"nobody", b"wrong"),
        lambda _: user_identity(3, b"ticket"),
        lambda ward: user_identity(4, ward.assertion("rad1", "_x").replace(b"rad1", b"admin1")),
        lambda _: user_identity(4, SamlProvider(now()).sign(assertion_at(now())).encode()),
        lambda ward: user_identity(5, ward.token("nobody")),
        lambda ward: user_identity(5, ward.token("rad1", exp=int(now().timestamp()) - 1)),
        lambda ward: user_identity(5, ward.token("rad1", aud="somebody-else")),
        lambda _: user_identity(5, web_token(RsaSigner(), claims_at(now()))),
    ],
)
def test_who_is_not_proven_is_rejected_for_good_and_told_nothing(
    ward: Ward, identity: Callable[[Ward], Any]
) -> None:
    assert refusal(ward, identity(ward)) == REFUSED


def test_a_title_from_elsewhere_is_rejected_alike_with_and_without_a_right_passcode(ward: Ward) -> None:
    right = user_identity(2, b"rad1", ward.hospital.passwords["rad1"].encode())
    assert refusal(ward, calling="ELSEWHERE") == REFUSED
    assert refusal(ward, right, calling="ELSEWHERE") == REFUSED
    assert refusal(ward, calling="SHOWS") == REFUSED


def test_secrets_in_clear_text_are_rejected_however_right_they_are(ward: Ward) -> None:
    """Row E12."""
    right = user_identity(2, b"rad1", ward.hospital.passwords["rad1"].encode())
    for identity in (right, user_identity(5, ward.token("rad1"))):
        assert refusal(ward, identity, plain=True) == REFUSED


def test_an_assertion_is_accepted_once(ward: Ward) -> None:
    identity = user_identity(4, ward.assertion("rad1", "_once"))
    assert ward.rows(identity)
    assert refusal(ward, identity) == REFUSED


def test_the_response_to_an_assertion_is_a_saml_response(ward: Ward) -> None:
    identity = user_identity(4, ward.assertion("rad1", "_response"), response=True)
    with ward.secured.associated(
        [build_context(Verification)], negotiation=[identity], tls=ward.tls()
    ) as association:
        response = association.acceptor.user_identity.server_response
    assert b"urn:oasis:names:tc:SAML:2.0:status:Success" in response


def test_a_device_may_name_only_whom_it_vouches_for(ward: Ward) -> None:
    assert ward.hospital.cli("user", "groups", "rad1", "radiology").returncode == 0
    assert ward.rows(user_identity(1, b"rad1"), calling="VOUCHES") == ward.over_the_web("rad1")
    assert refusal(ward, user_identity(1, b"admin1"), calling="VOUCHES") == REFUSED
    assert refusal(ward, user_identity(1, b"rad1"), calling="HERE") == REFUSED


@pytest.mark.server("dcmtk")
def test_an_independent_client_shows_a_web_token_and_gets_its_response(ward: Ward, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_bytes(ward.token("rad1"))
    instance = tmp_path / "x.dcm"
    ward.hospital.objects["S1"][0].save_as(instance, enforce_file_format=True)
    command = ["storescu", "-d", "+tla", "-ic", "-aec", "PACSGATE", "--jwt", str(token), "-rsp"]
    done = subprocess.run(
        [*command, ward.secured.host, str(ward.secured.port), str(instance)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Association Accepted" in done.stderr + done.stdout


@pytest.mark.parametrize("command", [("change", "LIVES", "--disable"), ("remove", "LIVES")])
def test_an_association_ends_within_two_seconds_when_its_device_does(
    ward: Ward, command: tuple[str, ...]
) -> None:
    cli = ward.hospital.cli
    cli("device", "remove", "LIVES")
    added = cli("device", "add", "LIVES", "--owner", "o", "--account", "rad1", "--network", "127.0.0.1")
    assert added.returncode == 0, added.stderr
    with ward.plain.associated([build_context(Verification)], calling="LIVES") as association:
        assert association.send_c_echo().Status == 0
        assert cli("device", *command).returncode == 0
        ended = time.monotonic() + 2
        wait_until(lambda: association.is_aborted, seconds=3)
        assert time.monotonic() < ended + 0.5


def test_a_device_is_asked_whether_it_answers(ward: Ward) -> None:
    cli = ward.hospital.cli
    port = str(ward.plain.port)
    added = cli("device", "add", "SELF", "--owner", "o", "--host", "127.0.0.1", "--port", port)
    assert added.returncode == 0, added.stderr
    # The gate is the device here, and calls itself by a title that it does not know.
    refused = cli("device", "test", "SELF", "--json")
    assert refused.returncode == 1
    assert "called AE title not recognized" in json.loads(refused.stdout)["outcome"]
    assert (
        cli("device", "add", "PACSGATE", "--owner", "o", "--host", "127.0.0.1", "--port", port).returncode
        == 0
    )
    assert json.loads(cli("device", "test", "PACSGATE", "--as", "HERE", "--json").stdout)["answers"] is True
    cli("device", "change", "SELF", "--port", "1")
    assert cli("device", "test", "SELF").returncode == 1


def test_refused_claims_are_on_record_as_claims_and_secrets_are_not(ward: Ward) -> None:
    refusal(ward, user_identity(2, b"claimed-name", b"claimed-secret"), calling="CLAIMED")
    listed = ward.hospital.cli("audit", "search", "--json").stdout
    (line,) = [line for line in listed.splitlines() if "claimed-name" in line]
    event = json.loads(line)
    assert event["actor.verified"] is False
    assert event["details.calling_ae_title"] == "CLAIMED"
    everything = listed + ward.hospital.log.read_text("utf-8", "replace")
    assert "claimed-secret" not in everything
    assert "claimed-name" not in ward.hospital.log.read_text("utf-8", "replace")
