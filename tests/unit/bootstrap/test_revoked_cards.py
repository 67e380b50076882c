from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.bootstrap.revoked_cards import RevokedCards
from pacsgate.identity.certificates.certificate_numbers import CertificateNumber, number_in
from pacsgate.identity.certificates.chains import read_authorities
from pacsgate.identity.certificates.revocation_lists import ListsOfFile
from pacsgate.identity.certificates.source import CertificateSource
from pacsgate.identity.credentials import SessionCredential
from pacsgate.identity.federation.source_policy import SourcePolicy
from pacsgate.identity.subjects import subject_of
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import StartedSession
from tests.support.clocks import START
from tests.support.people import SCOPE, People, open_people
from tests.support.tls import Card, CertificateAuthority, principal

POLICY = SourcePolicy("cards")


@dataclass
class Ward:
    people: People
    authority: CertificateAuthority
    lists: Path
    cards: RevokedCards

    def begun(self, card: Card) -> StartedSession:
        user = self.people.directory.user(SCOPE, "rad1")
        assert user is not None
        subject = subject_of(
            user,
            SCOPE.tenant,
            Credential.CERTIFICATE,
            authenticated_at=self.people.clock.now(),
            source=POLICY.name,
        )
        context = self.people.context()
        return self.people.pages.begin(
            subject, context, previous_cookie=None, source_session=number_in(card.der)
        )

    def goes_on(self, session: StartedSession) -> bool:
        credential = SessionCredential(session.cookie)
        return isinstance(self.people.authenticator.authenticate(credential, self.people.context()), Subject)

    def publish(self, content: bytes) -> None:
        self.lists.write_bytes(content)
        self.people.clock.advance(seconds=2)  # the file is looked at once a second


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    people = open_people(tmp_path, ceilings={POLICY.name: None})
    people.users.add(people.change(), "rad1")
    authority = CertificateAuthority(tmp_path / "ca", now=START)
    lists = tmp_path / "crl.pem"
    lists.write_bytes(authority.revocation_list())
    source = CertificateSource(
        POLICY,
        read_authorities(authority.ca_file),
        "san-upn",
        lists=ListsOfFile(lists, people.clock.monotonic),
    )
    cards = RevokedCards([source], people.directory, people.session_desk, people.clock)
    return Ward(people, authority, lists, cards)


def test_a_session_ends_when_the_card_is_revoked_that_it_was_begun_with(ward: Ward) -> None:
    lost, kept = (ward.authority.card(name, principal("rad1")) for name in ("lost", "kept"))
    of_lost, of_kept = ward.begun(lost), ward.begun(kept)
    assert ward.cards.end_sessions() == 0
    assert ward.goes_on(of_lost)

    ward.publish(ward.authority.revocation_list(lost.certificate))

    assert ward.cards.end_sessions() == 1
    assert (ward.goes_on(of_lost), ward.goes_on(of_kept)) == (False, True)
    last = [each for each in ward.people.trail.events if each.kind is EventKind.SIGN_OUT][-1]
    assert (last.actor.name, last.details["change"], last.details["target"]) == (
        "source:cards",
        "session ended by its source",
        "rad1",
    )
    assert ward.cards.end_sessions() == 0


def test_with_an_authority_go_the_sessions_of_all_its_cards(ward: Ward) -> None:
    below = ward.authority.below("ward")
    both = ward.authority.ca_file.read_bytes() + below.ca_file.read_bytes()
    (source,) = ward.cards.sources
    ward.lists.with_name("both.pem").write_bytes(both)
    source = replace(source, authorities=read_authorities(ward.lists.with_name("both.pem")))
    cards = replace(ward.cards, sources=[source])
    session = ward.begun(below.card("x", principal("rad1")))
    assert cards.end_sessions() == 0
    ward.publish(ward.authority.revocation_list(below.certificate))
    assert cards.end_sessions() == 1
    assert not ward.goes_on(session)


def test_a_list_that_its_authority_has_not_signed_ends_nothing(ward: Ward, tmp_path: Path) -> None:
    card = ward.authority.card("x", principal("rad1"))
    session = ward.begun(card)
    somebody = CertificateAuthority(tmp_path / "other", now=START)
    ward.publish(somebody.revocation_list(card.certificate))
    assert ward.cards.end_sessions() == 0
    assert ward.goes_on(session)


@pytest.mark.parametrize("text", ["", "session-1", "abc.xyz", "7"])
def test_what_is_no_number_of_a_certificate_is_read_as_none(text: str) -> None:
    assert CertificateNumber.read(text) is None
    number = CertificateNumber("ab" * 16, 2**159 - 1)
    assert CertificateNumber.read(str(number)) == number
