"""Client certificates at the one way in: who they stand for, for how long, and what the trail says of the others."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.certificates.chains import read_authorities
from pacsgate.identity.certificates.door import REMEMBERED_SECONDS, CertificateDoor
from pacsgate.identity.certificates.revocation_lists import ListsOfFile
from pacsgate.identity.certificates.source import METHODS_OF_LEVEL, CertificateSource
from pacsgate.identity.credentials import CertificateCredential, UnreadableCredential
from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.federation.source_policy import AccountsMode, SourcePolicy
from pacsgate.identity.latest_time import LatestTime
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.ports.locks import LockTarget
from tests.support.clocks import START
from tests.support.people import SCOPE, People
from tests.support.tls import Card, CertificateAuthority, principal


@dataclass
class Cards:
    """People with cards, and a process that knows the authority of these cards."""

    people: People
    authority: CertificateAuthority
    list_file: Path
    authenticator: Authenticator

    def shown(self, card: Card) -> Subject | AuthenticationFailed:
        return self.authenticator.authenticate(CertificateCredential(card.der), self.people.context())

    def recalled(self, card: Card) -> Subject | None:
        return self.authenticator.recall(CertificateCredential(card.der), self.people.context())

    def causes(self) -> list[str]:
        events = self.people.trail.events
        return [each.details["cause"] for each in events if each.kind is EventKind.CERTIFICATE_REFUSED]


def cards(people: People, directory: Path, accounts: AccountsMode = AccountsMode.LOCAL) -> Cards:
    authority = CertificateAuthority(directory / "ca", now=START)
    list_file = directory / "crl.pem"
    list_file.write_bytes(authority.revocation_list())
    policy = SourcePolicy(
        "cards",
        accounts=accounts,
        role_ceiling=frozenset({"reader"}),
        believed_methods=METHODS_OF_LEVEL[3],
    )
    source = CertificateSource(
        policy,
        read_authorities(authority.ca_file),
        "san-upn",
        lists=ListsOfFile(list_file, people.clock.monotonic),
    )
    door = CertificateDoor(
        [source],
        FederatedAccounts(people.directory, people.identity_links, [policy]),
        clock=people.clock,
        latest=LatestTime(people.clock.now()),
    )
    authenticator = Authenticator(
        directory=people.directory,
        epochs=people.epochs,
        trail=people.trail,
        clock=people.clock,
        passwords=people.passwords,
        last_recorded=people.clock.now(),
        certificates=door,
    )
    return Cards(people, authority, list_file, authenticator)


@pytest.fixture
def ward(people: People, tmp_path: Path) -> Cards:
    return cards(people, tmp_path)


def test_m3_a_card_is_its_holder_with_two_factors(ward: Cards) -> None:
    card = ward.authority.card("x", principal("rad1"))
    subject = ward.shown(card)
    assert isinstance(subject, Subject)
    assert (subject.name, subject.credential, subject.source) == ("rad1", Credential.CERTIFICATE, "cards")
    assert (subject.assurance_level, subject.methods) == (3, METHODS_OF_LEVEL[3])
    assert subject.second_factor_at is None, "nobody needs to be there for a request"
    assert subject.groups == {"radiology"}
    assert subject.role_ceiling == {"reader"}
    assert subject.valid_until == START + timedelta(days=1)
    assert ward.recalled(card) is subject


def test_whoever_signs_in_with_a_card_has_proven_two_factors_just_now(ward: Cards) -> None:
    card = ward.authority.card("x", principal("rad1"))
    ward.shown(card)
    ward.people.clock.advance(seconds=20)
    subject = ward.authenticator.sign_in(CertificateCredential(card.der), ward.people.context())
    assert isinstance(subject, Subject)
    assert subject.authenticated_at == subject.second_factor_at == ward.people.clock.now()
    (event,) = (each for each in ward.people.trail.events if each.kind is EventKind.SIGN_IN)
    assert (event.actor.name, event.actor.credential, event.outcome) == (
        "rad1",
        "certificate",
        Outcome.SUCCESS,
    )
    stranger = ward.authenticator.sign_in(UnreadableCredential(), ward.people.context())
    assert stranger == AuthenticationFailed(FailureKind.REFUSED)


@pytest.mark.parametrize("name", ["nobody", "", "rad1 "])
def test_a_card_of_somebody_without_an_account_is_refused(ward: Cards, name: str) -> None:
    refused = ward.shown(ward.authority.card("x", principal(name)))
    assert refused == AuthenticationFailed(FailureKind.REFUSED)
    assert ward.people.trail.events[-1].kind is EventKind.CERTIFICATE_REFUSED


def test_where_the_authority_may_it_makes_accounts(people: People, tmp_path: Path) -> None:
    ward = cards(people, tmp_path, AccountsMode.CLAIMS)
    subject = ward.shown(ward.authority.card("x", principal("anna@ward.example")))
    assert isinstance(subject, Subject)
    kept = people.directory.user(SCOPE, "anna@ward.example")
    assert kept is not None
    assert kept.source == "cards"
    other = ward.shown(ward.authority.card("y", principal("rad1")))
    assert other == AuthenticationFailed(FailureKind.REFUSED), "an account of the gate is not the authority's"


def test_m3_a_revoked_card_is_remembered_by_nobody(ward: Cards) -> None:
    card = ward.authority.card("x", principal("rad1"))
    assert isinstance(ward.shown(card), Subject)
    ward.list_file.write_bytes(ward.authority.revocation_list(card.certificate))
    ward.people.clock.advance(seconds=2)
    assert ward.recalled(card) is None
    assert isinstance(ward.shown(card), AuthenticationFailed)
    assert ward.causes() == ["revoked-certificate"]
    (event,) = (e for e in ward.people.trail.events if e.kind is EventKind.CERTIFICATE_REFUSED)
    assert event.kind.event_type is not None
    assert event.kind.event_type.value == "110126"


def test_m3_an_expired_card_is_remembered_by_nobody(ward: Cards) -> None:
    card = ward.authority.card("x", principal("rad1"), valid=(START, START + timedelta(seconds=10)))
    assert isinstance(ward.shown(card), Subject)
    ward.people.clock.advance(seconds=10)
    assert ward.recalled(card) is None
    assert isinstance(ward.shown(card), AuthenticationFailed)
    assert ward.causes() == ["expired-certificate"]


def test_a_clock_set_back_revives_no_card(ward: Cards) -> None:
    card = ward.authority.card("x", principal("rad1"), valid=(START, START + timedelta(seconds=10)))
    ward.people.clock.advance(seconds=10)
    assert isinstance(ward.shown(card), AuthenticationFailed)
    ward.people.clock.set_back(seconds=5)
    assert isinstance(ward.shown(card), AuthenticationFailed)


def test_whoever_is_locked_or_disabled_has_a_card_in_vain(ward: Cards) -> None:
    card = ward.authority.card("x", principal("rad1"))
    assert isinstance(ward.shown(card), Subject)
    people = ward.people
    people.lock_desk.lock(people.change(), LockTarget.USER, "rad1", reason="left")
    assert ward.recalled(card) is None
    assert isinstance(ward.shown(card), AuthenticationFailed)


def test_a_card_is_verified_anew_after_half_a_minute(ward: Cards) -> None:
    card = ward.authority.card("x", principal("rad1"))
    ward.shown(card)
    ward.people.clock.advance(seconds=REMEMBERED_SECONDS)
    assert ward.recalled(card) is None
    assert isinstance(ward.shown(card), Subject)
    assert ward.recalled(card) is not None


@pytest.mark.parametrize("shown", [b"", b"no certificate", b"\x30" * 20_000])
def test_what_is_no_certificate_is_refused(ward: Cards, shown: bytes) -> None:
    found = ward.authenticator.authenticate(CertificateCredential(shown), ward.people.context())
    assert found == AuthenticationFailed(FailureKind.REFUSED)
    assert ward.causes() == ["unreadable-certificate"]


def test_where_no_authority_is_configured_nobody_comes_in(people: People, tmp_path: Path) -> None:
    card = CertificateAuthority(tmp_path, now=START).card("x", principal("rad1"))
    found = people.authenticator.authenticate(CertificateCredential(card.der), people.context())
    assert found == AuthenticationFailed(FailureKind.REFUSED)


def test_no_certificate_with_a_wrong_byte_is_believed_or_breaks_anything(ward: Cards) -> None:
    """What stands around what was signed says nothing, and may be written in more than one way."""
    card = ward.authority.card("x", principal("rad1"))
    for place in range(len(card.der)):
        changed = card.der[:place] + bytes([card.der[place] ^ (1 << place % 8)]) + card.der[place + 1 :]
        found = ward.authenticator.authenticate(CertificateCredential(changed), ward.people.context())
        says_the_same = card.certificate.tbs_certificate_bytes in changed
        assert says_the_same or found == AuthenticationFailed(FailureKind.REFUSED), place
