"""Messages over real connections: who may send, what follows, how it is acknowledged."""

import ipaddress
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import hl7.client
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pacsgate.bootstrap.installation import Installation
from pacsgate.gateway.hl7 import listener, reception
from pacsgate.gateway.hl7.senders import Sender
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.role import Assignment
from pacsgate.model.subject import SubjectKind
from pacsgate.services.administer_grants import GrantAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change
from tests.support import dcm4chee_files
from tests.support.hospital import cli_here, furnish, opened
from tests.support.installed import add, installed
from tests.support.messages import message, mllp_door, order
from tests.support.objects import variant
from tests.support.small_hospital import some_studies
from tests.support.tls import CertificateAuthority

HERE = (ipaddress.ip_network("127.0.0.1/32"),)
RIS = Sender("ris1", HERE)
POLICY = """version: 1
roles:
  Doctor: {may: [search, view, retrieve, append], owner: chief}
  orders: {permissions: [GrantByOrder], owner: informatics}
"""
STYLESHEET = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/hl7">
  <permissions>
    <xsl:if test="MSH/field[7]/text()='ORM'">
      <grant role="Doctor" action="Q,R,A" suid="{ZDS/field[1]/text()}"/>
    </xsl:if>
    <xsl:if test="MSH/field[7]/component[1]='A03'">
      <revoke role="Doctor" action="Q,R,A" suid="{ZDS/field[1]/text()}"/>
    </xsl:if>
  </permissions>
</xsl:template>
</xsl:stylesheet>
"""


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Installation]:
    (tmp_path / "hl7-permission.xsl").write_text(STYLESHEET)
    settings = f"dcm4chee: {{hl7_stylesheet: {tmp_path / 'hl7-permission.xsl'}}}\n"
    with installed(tmp_path, policy=POLICY, settings=settings) as installation:
        users, change = UserAdministration(installation.office, Argon2Passwords()), order_of(installation)
        users.add(change, "ris1", kind=SubjectKind.DEVICE)
        users.assign(change, "ris1", Assignment("orders"))
        users.add(change, "ris2", kind=SubjectKind.DEVICE)
        users.add(change, "person")
        users.assign(change, "person", Assignment("orders"))
        yield installation


def order_of(installation: Installation) -> Change:
    return Change(installation.scope, installation.actor(), installation.clock.now())


def send(port: int, text: bytes) -> hl7.Message:
    with hl7.client.MLLPClient("127.0.0.1", port, encoding="utf-8") as client:
        client.socket.settimeout(10)
        return hl7.parse(client.send(b"\x0b" + text + b"\x1c\r").decode().strip("\x0b\x1c\r"))


def code(answer: hl7.Message) -> str:
    return str(answer.segment("MSA")[1])


def permitted(installation: Installation, study: str) -> set[Action]:
    return {each.action for each in installation.stores.permissions.of_study(installation.scope, study)}


def trail(installation: Installation) -> str:
    return "\n".join(
        file.read_text()
        for file in sorted((installation.settings.data / "trail").glob("*"))
        if file.is_file()
    )


def test_an_order_permits_its_study_before_that_arrives_and_a_discharge_takes_it_back(
    gate: Installation,
) -> None:
    with mllp_door(gate, RIS) as port:
        answer = send(port, order("P1", "1.2.3"))
        assert (code(answer), str(answer.segment("MSA")[2])) == ("AA", "M1")
        assert permitted(gate, "1.2.3") == {Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.APPEND}
        assert code(send(port, order("P1", "1.2.3"))) == "AA"
        assert code(send(port, message("ADT^A03", "PID|||P1", "ZDS|1.2.3", control_id="M2"))) == "AA"
        assert permitted(gate, "1.2.3") == set()
    written = trail(gate)
    assert "stylesheet hl7-permission.xsl: message-received ris1 M1" in written
    assert '"message":"ORM^O01"' in written


def test_an_order_without_a_study_permits_nothing_and_is_on_record(gate: Installation) -> None:
    with mllp_door(gate, RIS) as port:
        assert code(send(port, message("ORM^O01", "PID|||P1"))) == "AA"
    assert "on an empty `suid`" in trail(gate)
    assert list(gate.stores.permissions.every(gate.scope)) == []


STAY = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/hl7">
  <xsl:variable name="pid" select="PID/field[3]/text()"/>
  <xsl:variable name="issuer" select="PID/field[3]/component[3]"/>
  <permissions>
    <xsl:choose>
      <xsl:when test="MSH/field[7]/text()='ORM' and MSH/field[7]/component[1]='O01'">
        <grant role="Doctor" action="Q,R" pid="{$pid}" issuer="{$issuer}"/>
        <grant role="Doctor" action="Q,R,A" suid="{ZDS/field[1]/text()}"/>
      </xsl:when>
      <xsl:when test="MSH/field[7]/component[1]='A03'">
        <revoke role="Doctor" action="Q,R,A" pid="{$pid}" issuer="{$issuer}"/>
      </xsl:when>
    </xsl:choose>
  </permissions>
</xsl:template>
</xsl:stylesheet>
"""
"""What dcm4chee's own sample does, in our words: an order opens what there is, a discharge closes it."""


def test_an_order_opens_what_its_patient_has_and_a_discharge_closes_it_for_no_other_patient(
    gate: Installation, tmp_path: Path
) -> None:
    (tmp_path / "hl7-permission.xsl").write_text(STAY)
    patients = {
        "1.2.1": ("P1", "HOSP"),
        "1.2.2": ("P1", "CITY"),
        "1.2.3": ("P1", ""),
        "1.2.4": ("P2", "HOSP"),
    }
    add(
        gate,
        [
            variant(
                StudyInstanceUID=uid,
                SeriesInstanceUID=f"{uid}.1",
                SOPInstanceUID=f"{uid}.1.1",
                PatientID=patient,
                IssuerOfPatientID=issuer,
            )
            for uid, (patient, issuer) in patients.items()
        ],
    )
    reading = {Action.SEARCH, Action.VIEW, Action.RETRIEVE}
    with mllp_door(gate, RIS) as port:
        assert code(send(port, order("P1^^^HOSP", "1.2.9"))) == "AA"
        assert permitted(gate, "1.2.1") == reading
        assert permitted(gate, "1.2.9") == reading | {Action.APPEND}
        assert {uid for uid in patients if permitted(gate, uid)} == {"1.2.1"}
        discharge = message("ADT^A03", "PID|||P1^^^HOSP", control_id="M2")
        assert code(send(port, discharge)) == "AA"
        assert permitted(gate, "1.2.1") == set()


@pytest.mark.parametrize("account", ["ris2", "person", "nobody"])
def test_a_sender_without_the_right_is_refused_and_nothing_follows(gate: Installation, account: str) -> None:
    with mllp_door(gate, Sender(account, HERE)) as port:
        assert code(send(port, order("P1", "1.2.3"))) == "AR"
    assert permitted(gate, "1.2.3") == set()


def test_a_right_that_was_taken_away_is_gone_with_the_next_message_of_an_open_connection(
    gate: Installation,
) -> None:
    with mllp_door(gate, RIS) as port, hl7.client.MLLPClient("127.0.0.1", port, encoding="utf-8") as client:
        assert b"MSA|AA" in client.send(b"\x0b" + order("P1", "1.2.3") + b"\x1c\r")
        UserAdministration(gate.office, Argon2Passwords()).set_disabled(order_of(gate), "ris1", disabled=True)
        assert b"MSA|AR" in client.send(b"\x0b" + order("P1", "1.2.4") + b"\x1c\r")
    assert permitted(gate, "1.2.4") == set()


def test_who_is_no_sender_is_not_heard(gate: Installation) -> None:
    elsewhere = Sender("ris1", (ipaddress.ip_network("192.0.2.0/24"),))
    with mllp_door(gate, elsewhere) as port:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), 5) as client:
                client.settimeout(5)
                with suppress(ConnectionError):
                    client.sendall(b"\x0b" + order("P1", "1.2.3") + b"\x1c\r")
                    assert client.recv(100) == b""
    assert permitted(gate, "1.2.3") == set()
    assert trail(gate).count('"no-credential"') == 1


ANSWERS = [
    (b"", "AE"),
    (b"nonsense", "AE"),
    (b"MSH|^~\\&|A|||||||||||||||KLINGON\r", "AE"),
    (message("SIU^S12", "PID|||P1"), "AR"),
    (message("ADT^A40", "PID|||P1"), "AE"),
    (message("ADT^A08", "PID|||P1"), "AA"),
    (message("ORU^R01", "PID|||P1", version="2.3"), "AA"),
]


def test_every_message_is_acknowledged_as_it_deserves(gate: Installation) -> None:
    with mllp_door(gate, RIS) as port:
        assert [code(send(port, text)) for text, _ in ANSWERS] == [expected for _, expected in ANSWERS]


def test_grants_follow_a_patient_who_was_two(gate: Installation) -> None:
    grants = GrantAdministration(gate.office)
    for patient in ("HOSP|OLD", "OTHER|OLD", "HOSP|THIRD"):
        grants.add(
            order_of(gate),
            grantee=(GranteeKind.ROLE, "Doctor"),
            target=(GrantTarget.PATIENT, patient),
            actions=frozenset({Action.SEARCH}),
        )
    merge = message("ADT^A40", "PID|||NEW^^^HOSP~X^^^CITY", "MRG|OLD^^^HOSP")
    with mllp_door(gate, RIS) as port:
        assert code(send(port, merge)) == "AA"
        assert code(send(port, merge)) == "AA"
    held = {grant.target_id for grant in gate.stores.directory.grants(gate.scope)}
    assert held == {"HOSP|NEW", "OTHER|OLD", "HOSP|THIRD"}
    assert trail(gate).count("grant revoked") == 1


def test_a_message_that_breaks_something_is_refused_on_record_and_the_next_one_is_served(
    gate: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_message: object) -> NoReturn:
        raise ZeroDivisionError("JANE DOE")

    with mllp_door(gate, RIS) as port:
        with monkeypatch.context() as patch:
            patch.setattr(reception, "message_facts", broken)
            assert code(send(port, order("P1", "1.2.3"))) == "AE"
        assert permitted(gate, "1.2.3") == set()
        assert code(send(port, order("P1", "1.2.3"))) == "AA"
    assert "internal-error" in trail(gate)
    assert "JANE" not in trail(gate)


def test_what_is_too_long_or_no_frame_ends_the_connection(
    gate: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "LARGEST", 4096)
    with mllp_door(gate, RIS) as port:
        for data in (b"\x0bMSH|^~\\&|" + b"x" * 100_000, b"GET / HTTP/1.1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port), 5) as client:
                client.settimeout(5)
                with suppress(ConnectionError):
                    client.sendall(data)
                    assert client.recv(10) == b""
        assert code(send(port, order("P1", "1.2.3"))) == "AA"


def test_a_frame_that_never_ends_does_not_keep_its_connection(
    gate: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "FRAME_SECONDS", 0.3)
    with mllp_door(gate, RIS) as port, socket.create_connection(("127.0.0.1", port), 5) as client:
        client.settimeout(5)
        client.sendall(b"\x0bMSH|^~\\&|")
        began = time.monotonic()
        assert client.recv(10) == b""
        assert time.monotonic() - began < 3


def test_there_are_never_more_connections_than_that(
    gate: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS", 3)
    with mllp_door(gate, RIS) as port, ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 5)) for _ in range(3)]
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            client.settimeout(5)
            assert client.recv(10) == b""
        held[0].sendall(b"\x0b" + order("P1", "1.2.3") + b"\x1c\r")
        held[0].settimeout(5)
        assert b"MSA|AA" in held[0].recv(1000)


def test_a_frame_may_come_byte_by_byte_and_several_at_once(gate: Installation) -> None:
    frame = b"\x0b" + order("P1", "1.2.3") + b"\x1c\r"
    with mllp_door(gate, RIS) as port, socket.create_connection(("127.0.0.1", port), 5) as client:
        client.settimeout(5)
        for byte in frame:
            client.sendall(bytes([byte]))
        assert b"MSA|AA" in client.recv(1000)
        client.sendall((frame + b"\r\n") * 3)
        answers = b""
        while answers.count(b"\x1c\r") < 3:
            answers += client.recv(1000)
        assert answers.count(b"MSA|AA") == 3


def test_a_certificate_tells_a_sender_where_addresses_do_not(gate: Installation, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path / "ca")
    mine, theirs = authority.issue("ris1"), authority.issue("ris2")
    certificate, key = authority.issue("127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tls.load_verify_locations(authority.ca_file)
    tls.verify_mode = ssl.CERT_REQUIRED
    shown = x509.load_pem_x509_certificate(mine[0].read_bytes()).public_bytes(Encoding.DER)
    sender = Sender("ris1", certificate_sha256=sha256(shown).hexdigest())
    with mllp_door(gate, sender, tls=tls) as port:
        for pair, answered in ((mine, True), (theirs, False)):
            context = ssl.create_default_context(cafile=str(authority.ca_file))
            context.load_cert_chain(*pair)
            with (
                socket.create_connection(("127.0.0.1", port), 5) as plain,
                context.wrap_socket(plain, server_hostname="127.0.0.1") as client,
            ):
                client.settimeout(5)
                client.sendall(b"\x0b" + order("P1", "1.2.3") + b"\x1c\r")
                received = b""
                with suppress(OSError):
                    received = client.recv(1000)
                assert (b"MSA|AA" in received) is answered


def test_a_sender_without_evidence_is_nobody() -> None:
    assert not Sender("ris1").is_at("127.0.0.1", None)
    assert not Sender("ris1", HERE, "ab" * 32).is_at("127.0.0.1", None)
    assert not Sender("ris1", HERE, "ab" * 32).is_at("192.0.2.1", "ab" * 32)


@pytest.mark.long
def test_a_served_gate_permits_by_message_what_then_arrives_and_by_stylesheet_what_has_arrived(
    tmp_path: Path,
) -> None:
    hl7_sheet, series_sheet = tmp_path / "hl7-permission.xsl", tmp_path / "series-permission.xsl"
    hl7_sheet.write_text(STYLESHEET.replace("Doctor", "radiologist").replace("Q,R,A", "Q"))
    series_sheet.write_text(
        dcm4chee_files.STYLESHEET.replace("Doctor", "radiologist").replace("Q,R,A", "Q,R")
    )
    settings = f"""hl7: {{listeners: [{{port: 0, senders: [{{account: ris1, networks: [127.0.0.0/8]}}]}}]}}
dcm4chee: {{hl7_stylesheet: {hl7_sheet}, series_stylesheet: {series_sheet}}}
"""
    furnished = furnish(tmp_path / "gate", made=some_studies("S1"), settings=settings)
    policy = furnished.config.parent / "policy.yaml"
    policy.write_text(
        policy.read_text().replace(
            "roles:\n", "roles:\n  orders: {permissions: [GrantByOrder], owner: it}\n", 1
        )
    )
    config = ("-c", str(furnished.config))
    sent = variant(StudyInstanceUID="1.2.3", PatientID="P1")
    with opened(furnished) as running:
        for command in (
            ("user", "add", "ris1", "--kind", "device", "--generate"),
            ("user", "assign", "ris1", "orders"),
        ):
            done = cli_here(*command, *config)
            assert done.returncode == 0, done.stderr + done.stdout
        (port,) = re.findall(r"^pacsgate hears hl7 at [^ ]+:(\d+)", running.log.read_text(), re.MULTILINE)
        assert code(send(int(port), order("P1", "1.2.3"))) == "AA"
        assert letters(config) == {"Q"}
        stored = running.client("CT1").post(
            f"{running.dicomweb}/studies", data=sent.data, headers={"Content-Type": "application/dicom"}
        )
        assert stored.status_code == 200, stored.text
        assert letters(config) == {"Q", "R"}


def letters(config: tuple[str, str]) -> set[str]:
    """What the radiologists are permitted on the study, as each origin gave it."""
    listed = json.loads(cli_here("permission", "list", "--study", "1.2.3", "--json", *config).stdout)
    assert {row["grantee"] for row in listed} == {"role:radiologist"}
    return {row["letters"] for row in listed}
