"""What a certificate says of its holder, and all the ways in which it says nothing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from pacsgate.identity.certificates.chains import Authorities, read_authorities
from pacsgate.identity.certificates.revocation_lists import (
    ListsOfFile,
    PublishedLists,
    Revocation,
    read_lists,
    revocation,
)
from pacsgate.identity.certificates.source import METHODS_OF_LEVEL, CertificateSource
from pacsgate.identity.certificates.status_answers import StatusAnswers, read_answer
from pacsgate.identity.federation.proven_methods import assurance_level
from pacsgate.identity.federation.source_policy import SourcePolicy
from pacsgate.identity.refusals import Cause
from pacsgate.model.errors import SettingsError
from pacsgate.ports.assertions import Claims
from tests.support.clocks import START, HandClock
from tests.support.tls import Card, CertificateAuthority, principal

DAY = timedelta(days=1)
POLICY = SourcePolicy("cards", believed_methods=METHODS_OF_LEVEL[3])


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path, now=START)


def source(authority: CertificateAuthority, field: str = "san-upn", **more: object) -> CertificateSource:
    return CertificateSource(POLICY, read_authorities(authority.ca_file), field, **more)  # type: ignore[arg-type]


def asked(found: CertificateSource, card: Card, after: timedelta = timedelta()) -> Cause | str:
    claims = found.claims(card.certificate, START + after)
    return claims.name if isinstance(claims, Claims) else claims


def test_m3_the_principal_name_of_a_smart_card_says_who_it_is(authority: CertificateAuthority) -> None:
    """M3: chained to the configured authority, UPN in the subject alternative name."""
    claims = source(authority).claims(authority.card("x", principal("rad1@ward")).certificate, START)
    assert isinstance(claims, Claims)
    assert (claims.name, claims.source, claims.methods) == ("rad1@ward", "cards", METHODS_OF_LEVEL[3])
    assert claims.expires_at == START + DAY


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("subject-cn", "Anna"),
        ("san-upn", "anna@ward.example"),
        ("san-email", "a.b@ward.example"),
        ("san-uri", "urn:person:7"),
        ("san-dns", "ct.ward.example"),
        ("subject-serial-number", Cause.NAMELESS_CERTIFICATE),
    ],
)
def test_each_part_of_a_certificate_may_name_the_account(
    authority: CertificateAuthority, field: str, expected: str | Cause
) -> None:
    card = authority.card(
        "Anna",
        principal("anna@ward.example"),
        x509.RFC822Name("a.b@ward.example"),
        x509.UniformResourceIdentifier("urn:person:7"),
        x509.DNSName("ct.ward.example"),
    )
    assert asked(source(authority, field), card) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("anna@WARD.example", "anna"),
        ("anna@elsewhere.example", Cause.NAMELESS_CERTIFICATE),
        ("anna", Cause.NAMELESS_CERTIFICATE),
        ("@ward.example", Cause.NAMELESS_CERTIFICATE),
        ("a@elsewhere.example@ward.example", "a@elsewhere.example"),
    ],
)
def test_only_names_of_the_domain_are_shortened_to_accounts(
    authority: CertificateAuthority, name: str, expected: str | Cause
) -> None:
    assert asked(source(authority, domain="ward.example"), authority.card("x", principal(name))) == expected


def test_two_names_are_no_name(authority: CertificateAuthority) -> None:
    card = authority.card("x", principal("anna"), principal("berta"))
    assert asked(source(authority), card) is Cause.NAMELESS_CERTIFICATE


def test_a_principal_name_that_is_no_text_is_no_name(authority: CertificateAuthority) -> None:
    upn = principal("anna").type_id
    for damaged in (b"\x0c\x05anna", b"\x0c\x81\x04anna", b"\x0c\x02\xff\xff", b"\x05\x00", b"\x0c"):
        try:
            card = authority.card("x", x509.OtherName(upn, damaged))
        except ValueError:
            continue  # not even DER
        assert asked(source(authority), card) is Cause.NAMELESS_CERTIFICATE


def test_a_certificate_of_another_authority_is_not_trusted(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    """The impostor calls itself as the real authority does."""
    impostor = CertificateAuthority(tmp_path / "impostor", now=START)
    assert impostor.certificate.subject == authority.certificate.subject
    assert asked(source(authority), impostor.card("x", principal("anna"))) is Cause.UNTRUSTED_CERTIFICATE


def test_a_certificate_counts_from_its_beginning_to_its_end(authority: CertificateAuthority) -> None:
    card = authority.card("x", principal("anna"), valid=(START, START + timedelta(hours=1)))
    found = source(authority)
    assert asked(found, card, timedelta(seconds=-1)) is Cause.CERTIFICATE_NOT_YET_VALID
    assert asked(found, card, timedelta(minutes=59)) == "anna"
    assert asked(found, card, timedelta(hours=1)) is Cause.EXPIRED_CERTIFICATE


@pytest.mark.parametrize(
    "usages", [(), (ExtendedKeyUsageOID.SERVER_AUTH,), (ExtendedKeyUsageOID.EMAIL_PROTECTION,)]
)
def test_a_certificate_that_is_not_for_clients_identifies_nobody(
    authority: CertificateAuthority, usages: tuple[x509.ObjectIdentifier, ...]
) -> None:
    card = authority.card("x", principal("anna"), usages=usages)
    assert asked(source(authority), card) is Cause.UNTRUSTED_CERTIFICATE


@pytest.mark.parametrize("says", [(), (x509.BasicConstraints(ca=False, path_length=None),)])
def test_who_has_a_certificate_cannot_make_others(
    authority: CertificateAuthority, tmp_path: Path, says: tuple[x509.ExtensionType, ...]
) -> None:
    anna = authority.card("anna", principal("anna"), extensions=says)
    forger = CertificateAuthority(tmp_path / "forged", now=START)
    forger.certificate, forger._key, forger._name = anna.certificate, anna.key, anna.certificate.subject
    found = CertificateSource(POLICY, Authorities([authority.certificate, anna.certificate]), "san-upn")
    assert asked(found, forger.card("x", principal("chief"))) is Cause.UNTRUSTED_CERTIFICATE


def test_an_authority_below_is_trusted_through_the_one_above(authority: CertificateAuthority) -> None:
    cards = authority.below("cards")
    card = cards.card("x", principal("anna"))
    both = CertificateSource(POLICY, Authorities([authority.certificate, cards.certificate]), "san-upn")
    assert asked(both, card) == "anna"
    assert asked(source(authority), card) is Cause.UNTRUSTED_CERTIFICATE
    assert asked(source(cards), card) == "anna", "an authority whose superior is not in the file stands alone"


def test_an_authority_names_only_whom_it_may(authority: CertificateAuthority) -> None:
    """RFC 5280 4.2.1.10: name constraints."""
    bounds = x509.NameConstraints([x509.RFC822Name("ward.example")], None)
    ward = authority.below("ward", bounds)
    found = CertificateSource(POLICY, Authorities([authority.certificate, ward.certificate]), "san-email")
    assert asked(found, ward.card("x", x509.RFC822Name("a@ward.example"))) == "a@ward.example"
    other = ward.card("y", x509.RFC822Name("chief@elsewhere.example"))
    assert asked(found, other) is Cause.UNTRUSTED_CERTIFICATE


def test_the_configured_level_is_what_the_methods_prove() -> None:
    assert {level: assurance_level(methods) for level, methods in METHODS_OF_LEVEL.items()} == {2: 2, 3: 3}


def test_m3_a_revoked_certificate_is_refused_as_soon_as_the_list_says_so(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    """M3: revoked (CRL)."""
    clock, file = HandClock(), tmp_path / "crl.pem"
    file.write_bytes(authority.revocation_list())
    found = source(authority, lists=ListsOfFile(file, clock.monotonic))
    card, other = authority.card("x", principal("anna")), authority.card("y", principal("berta"))
    assert asked(found, card) == "anna"
    file.write_bytes(authority.revocation_list(card.certificate))
    clock.advance(seconds=2)
    assert not found.is_current()
    assert asked(found, card) is Cause.REVOKED_CERTIFICATE
    assert asked(found, other) == "berta"
    assert found.is_current()


def test_a_list_that_has_run_out_lets_nobody_in(authority: CertificateAuthority, tmp_path: Path) -> None:
    file = tmp_path / "crl.pem"
    file.write_bytes(authority.revocation_list(ends=START + timedelta(hours=1)))
    found = source(authority, lists=ListsOfFile(file, HandClock().monotonic))
    card = authority.card("x", principal("anna"))
    assert asked(found, card) == "anna"
    assert asked(found, card, timedelta(hours=1)) is Cause.REVOCATION_UNKNOWN


def test_a_list_of_somebody_else_is_none(authority: CertificateAuthority, tmp_path: Path) -> None:
    """The impostor has the authority's name and another key: nothing revoked, says it."""
    impostor = CertificateAuthority(tmp_path / "impostor", now=START)
    file = tmp_path / "crl.pem"
    file.write_bytes(impostor.revocation_list())
    found = source(authority, lists=ListsOfFile(file, HandClock().monotonic))
    assert asked(found, authority.card("x", principal("anna"))) is Cause.REVOCATION_UNKNOWN


def test_a_list_that_is_half_written_changes_nothing(authority: CertificateAuthority, tmp_path: Path) -> None:
    clock, file = HandClock(), tmp_path / "crl.pem"
    card = authority.card("x", principal("anna"))
    file.write_bytes(authority.revocation_list(card.certificate))
    found = source(authority, lists=ListsOfFile(file, clock.monotonic))
    file.write_bytes(authority.revocation_list()[:100])
    clock.advance(seconds=2)
    assert asked(found, card) is Cause.REVOKED_CERTIFICATE


def test_a_file_without_lists_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    for name in ("empty", "missing"):
        with pytest.raises(SettingsError, match=name):
            ListsOfFile(tmp_path / name, HandClock().monotonic)


def test_published_lists_are_fetched_again_and_kept_while_nobody_answers(
    authority: CertificateAuthority,
) -> None:
    clock, card = HandClock(), authority.card("x", principal("anna"))
    published: list[bytes | None] = [None]
    asks: list[str] = []

    def ask(url: str, _question: bytes | None) -> bytes | None:
        asks.append(url)
        return published[0]

    found = source(authority, lists=PublishedLists("http://ca.example/crl", ask, clock.monotonic))
    assert asked(found, card) is Cause.REVOCATION_UNKNOWN
    assert asked(found, card) is Cause.REVOCATION_UNKNOWN
    assert len(asks) == 1, "who is down is not asked by every request"
    published[0] = authority.revocation_list()
    clock.advance(seconds=31)
    assert asked(found, card) == "anna"
    published[0] = None
    clock.advance(seconds=601)
    assert asked(found, card) == "anna", "until its `nextUpdate`"
    assert found.is_current(), "and who asks meanwhile is remembered as ever"
    published[0] = authority.revocation_list(card.certificate)
    clock.advance(seconds=31)
    assert asked(found, card) is Cause.REVOKED_CERTIFICATE


class Responder:
    """Answers OCSP requests as it is told."""

    def __init__(self, authority: CertificateAuthority, **how: object) -> None:
        self.authority, self.how = authority, how
        self.status = ocsp.OCSPCertStatus.GOOD
        self.asked: list[str] = []
        self.is_up = True

    def ask(self, url: str, question: bytes | None) -> bytes | None:
        self.asked.append(url)
        if not self.is_up or question is None:
            return None
        return self.authority.status_answer(question, self.status, **self.how)  # type: ignore[arg-type]


def answers(responder: Responder) -> StatusAnswers:
    return StatusAnswers("http://ocsp.example", responder.ask, lambda count: bytes(range(count)))


def test_m3_the_authority_is_asked_and_believed_for_minutes(authority: CertificateAuthority) -> None:
    """M3: revoked (OCSP)."""
    responder, card = Responder(authority), authority.card("x", principal("anna"))
    found = source(authority, answers=answers(responder))
    assert asked(found, card) == asked(found, card, timedelta(minutes=4)) == "anna"
    assert responder.asked == ["http://ocsp.example"]
    responder.status = ocsp.OCSPCertStatus.REVOKED
    assert asked(found, card, timedelta(minutes=5)) is Cause.REVOKED_CERTIFICATE


def test_who_cannot_be_asked_about_is_refused_and_asked_about_again(authority: CertificateAuthority) -> None:
    responder, card = Responder(authority), authority.card("x", principal("anna"))
    found = source(authority, answers=answers(responder))
    responder.is_up = False
    assert asked(found, card) is asked(found, card, timedelta(seconds=4)) is Cause.REVOCATION_UNKNOWN
    other = authority.card("y", principal("berta"))
    assert asked(found, other, timedelta(seconds=4)) is Cause.REVOCATION_UNKNOWN
    assert len(responder.asked) == 1, "one wait for everybody"
    responder.is_up = True
    assert asked(found, card, timedelta(seconds=6)) == "anna"


def test_a_certificate_that_the_authority_does_not_know_is_refused(authority: CertificateAuthority) -> None:
    responder = Responder(authority)
    responder.status = ocsp.OCSPCertStatus.UNKNOWN
    found = source(authority, answers=answers(responder))
    assert asked(found, authority.card("x", principal("anna"))) is Cause.REVOCATION_UNKNOWN


def test_an_answer_of_yesterday_is_none(authority: CertificateAuthority) -> None:
    found = source(authority, answers=answers(Responder(authority, at=START - DAY)))
    assert asked(found, authority.card("x", principal("anna"))) is Cause.REVOCATION_UNKNOWN


def test_an_answer_to_another_question_is_none(authority: CertificateAuthority) -> None:
    """Replay: the same certificate, the nonce of before."""
    responder = Responder(authority)
    card = authority.card("x", principal("anna"))
    kept: list[bytes] = []

    def replaying(url: str, question: bytes | None) -> bytes | None:
        kept.append(responder.ask(url, question) or b"")
        return kept[0]

    nonces = iter((b"a" * 32, b"b" * 32))
    found = source(authority, answers=StatusAnswers("http://o", replaying, lambda _count: next(nonces)))
    assert asked(found, card) == "anna"
    assert asked(found, card, timedelta(minutes=6)) is Cause.REVOCATION_UNKNOWN


def test_a_responder_without_nonces_is_believed_for_its_time(authority: CertificateAuthority) -> None:
    found = source(authority, answers=answers(Responder(authority, repeats_nonce=False)))
    assert asked(found, authority.card("x", principal("anna"))) == "anna"


def test_the_authority_answers_itself_or_by_whom_it_certified_for_that(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    card = authority.card("x", principal("anna"))
    delegate = authority.card("ocsp", usages=(ExtendedKeyUsageOID.OCSP_SIGNING,))
    impostor = CertificateAuthority(tmp_path / "impostor", now=START)
    forged = impostor.card("ocsp", usages=(ExtendedKeyUsageOID.OCSP_SIGNING,))
    for signer, expected in [
        (delegate, "anna"),
        (authority.card("colleague"), Cause.REVOCATION_UNKNOWN),
        (forged, Cause.REVOCATION_UNKNOWN),
    ]:
        found = source(authority, answers=answers(Responder(authority, signer=signer)))
        assert asked(found, card) == expected


def test_the_responder_that_a_certificate_names_is_asked(authority: CertificateAuthority) -> None:
    access = x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(
                x509.oid.AuthorityInformationAccessOID.OCSP,
                x509.UniformResourceIdentifier("http://named.example/ocsp"),
            )
        ]
    )
    responder = Responder(authority)
    found = source(authority, answers=StatusAnswers(None, responder.ask, bytes))
    assert asked(found, authority.card("x", principal("anna"), extensions=[access])) == "anna"
    assert responder.asked == ["http://named.example/ocsp"]
    assert asked(found, authority.card("y", principal("anna"))) is Cause.REVOCATION_UNKNOWN


def wrong_bytes(content: bytes) -> Iterator[bytes]:
    """The same with one byte changed, for each byte."""
    for place in range(len(content)):
        yield content[:place] + bytes([content[place] ^ (1 << place % 8)]) + content[place + 1 :]


def test_no_list_with_a_wrong_byte_clears_anybody_or_breaks_anything(authority: CertificateAuthority) -> None:
    card = authority.card("x", principal("anna")).certificate
    listed = x509.load_pem_x509_crl(authority.revocation_list(card)).public_bytes(Encoding.DER)
    for changed in wrong_bytes(listed):
        lists = read_lists(changed) or ()
        assert revocation(card, authority.certificate, lists, START) is not Revocation.GOOD


def test_no_answer_with_a_wrong_byte_clears_anybody_or_breaks_anything(
    authority: CertificateAuthority,
) -> None:
    card = authority.card("x", principal("anna")).certificate
    builder = ocsp.OCSPRequestBuilder().add_certificate(card, authority.certificate, hashes.SHA1())  # noqa: S303 - an identifier
    request = builder.add_extension(x509.OCSPNonce(b"n" * 32), critical=False).build()
    question = request.public_bytes(Encoding.DER)
    for changed in wrong_bytes(authority.status_answer(question, ocsp.OCSPCertStatus.REVOKED)):
        answer = read_answer(changed, request, b"n" * 32, authority.certificate, START)
        assert answer is None or answer.state is Revocation.REVOKED
