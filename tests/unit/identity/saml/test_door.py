"""Signing in by SAML: asked for in one browser, answered once, in that browser."""

import base64
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509 import load_pem_x509_certificate
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.federation.returning_browsers import DoorParts
from pacsgate.identity.federation.sent_browsers import ANSWERED_WITHIN
from pacsgate.identity.federation.source_policy import AccountsMode, SourcePolicy
from pacsgate.identity.lockout import Attempts
from pacsgate.identity.saml.door import SamlDoor
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.model.claimed_names import LONGEST_CLAIM
from pacsgate.model.context import Context
from pacsgate.ports import AuthenticationFailed, FailureKind, UserRecord
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import stores_on
from tests.support.databases import sqlite_url
from tests.support.people import OPERATOR, SCOPE
from tests.support.saml_idp import MFA_CONTEXT, SIGN_IN, STRANGER, encoded, genuine, now, own_key, provider
from tests.support.trails import ListTrail

POLICIES = (
    SourcePolicy("clinic", AccountsMode.CLAIMS, methods_of_acr={MFA_CONTEXT: frozenset({"mfa"})}),
    SourcePolicy("partner", AccountsMode.CLAIMS, role_ceiling=frozenset({"guest"})),
    SourcePolicy("staff", AccountsMode.LOCAL),
)


class Doors:
    """Doors of three providers over one directory, and a browser that goes through them."""

    def __init__(self, path) -> None:
        self.stores = stores_on(open_database(sqlite_url(path)))
        self.trail = ListTrail()
        directory, links = self.stores.directory, self.stores.identity_links
        self.parts = DoorParts(
            scope=SCOPE,
            accounts=FederatedAccounts(directory, links, POLICIES),
            challenges=self.stores.challenges,
            attempts=Attempts(directory),
            record=SignInRecord(self.trail),
        )

    def door(self, name="clinic", **parts) -> tuple[SamlDoor, object]:
        to = provider(name, **parts)
        return SamlDoor(to, self.parts, self.stores.identity_links, self.stores.used_assertions), to

    def context(self, at=None) -> Context:
        return Context(at or now(), "r-1", client_address="192.0.2.7")

    def sent(self, door, return_to="/studies", secret=None):
        """The request id, the RelayState and the secret with which a browser is sent away."""
        away = door.send(return_to, secret, self.context())
        query = parse_qs(urlsplit(away.url).query)
        text = OneLogin_Saml2_Utils.decode_base64_and_inflate(query["SAMLRequest"][0]).decode()
        return text.split('ID="')[1].split('"')[0], query["RelayState"][0], away

    def came_back(self, by="clinic", at=None, **changed):
        door, to = self.door(by)
        request_id, relay, away = self.sent(door)
        answer = {"SAMLResponse": genuine(to, request_id, **changed), "RelayState": relay}
        return door.receive(answer, away.browser_secret, self.context(at))

    def causes(self) -> list[str]:
        return [
            event.details.get("cause", "") for event in self.trail.events if event.kind is EventKind.SIGN_IN
        ]


@pytest.fixture
def doors(tmp_path) -> Doors:
    return Doors(tmp_path)


def test_a_browser_that_was_sent_away_comes_back_as_somebody(doors):
    found = doors.came_back(context=MFA_CONTEXT)
    assert not isinstance(found, AuthenticationFailed), doors.causes()
    subject = found.subject
    assert (subject.name, subject.source, found.return_to, found.source_session) == (
        "rad1",
        "clinic",
        "/studies",
        "s-1",
    )
    assert subject.groups == {"radiology", "night"}
    assert (subject.methods, subject.assurance_level) == ({"mfa"}, 2)
    assert doors.stores.directory.user(SCOPE, "rad1").source == "clinic"
    assert doors.causes() == [""]


def test_a_context_class_that_nobody_configured_proves_no_second_factor(doors):
    assert doors.came_back().subject.assurance_level == 1


def test_an_answer_is_good_for_once(doors):
    door, to = doors.door()
    request_id, relay, away = doors.sent(door)
    answer = {"SAMLResponse": genuine(to, request_id), "RelayState": relay}
    assert door.receive(answer, away.browser_secret, doors.context()).subject.name == "rad1"
    again = door.receive(answer, away.browser_secret, doors.context())
    assert again == AuthenticationFailed(FailureKind.REFUSED)
    assert doors.causes() == ["", "answer-to-no-question-of-this-browser"]


def test_an_assertion_is_good_for_once_whatever_request_it_answers(doors):
    doors.came_back(id="_same")
    assert doors.came_back(id="_same") == AuthenticationFailed(FailureKind.REFUSED)
    assert doors.causes()[-1] == "assertion-used-before"


def test_an_answer_in_another_browser_signs_nobody_in(doors):
    door, to = doors.door()
    request_id, relay, _ = doors.sent(door)
    answer = {"SAMLResponse": genuine(to, request_id), "RelayState": relay}
    for secret in ("the secret of a victim", "", None):
        assert isinstance(door.receive(answer, secret, doors.context()), AuthenticationFailed)


def test_an_answer_that_nobody_asked_for_is_refused(doors):
    door, to = doors.door()
    for relay in ({}, {"RelayState": ""}, {"RelayState": "https://evil.example"}):
        answer = {"SAMLResponse": genuine(to, "_made-up"), **relay}
        assert isinstance(door.receive(answer, "x", doors.context()), AuthenticationFailed)


def test_an_answer_to_another_provider_is_refused(doors):
    door, _ = doors.door()
    other, to = doors.door("partner")
    request_id, relay, away = doors.sent(door)
    answer = {"SAMLResponse": genuine(to, request_id), "RelayState": relay}
    assert isinstance(other.receive(answer, away.browser_secret, doors.context()), AuthenticationFailed)


def test_an_answer_comes_in_time(doors):
    door, to = doors.door()
    request_id, relay, away = doors.sent(door)
    answer = {"SAMLResponse": genuine(to, request_id), "RelayState": relay}
    late = doors.context(now() + ANSWERED_WITHIN + timedelta(seconds=2))
    assert isinstance(door.receive(answer, away.browser_secret, late), AuthenticationFailed)


def test_every_refusal_is_told_alike_and_recorded_by_its_cause(doors):
    door, to = doors.door()
    request_id, relay, away = doors.sent(door)
    forged = {"SAMLResponse": genuine(to, request_id, STRANGER), "RelayState": relay}
    one = door.receive(forged, away.browser_secret, doors.context())
    request_id, relay, away = doors.sent(door)
    other = door.receive(
        {"SAMLResponse": encoded("<a/>"), "RelayState": relay}, away.browser_secret, doors.context()
    )
    assert one == other == AuthenticationFailed(FailureKind.REFUSED)
    assert doors.causes() == ["wrong-signature", "unreadable-assertion"]


def test_two_providers_with_the_same_name_are_two_people_and_neither_takes_the_name_of_the_other(doors):
    assert doors.came_back().subject.name == "rad1"
    assert isinstance(doors.came_back("partner", id="_a2"), AuthenticationFailed)
    assert doors.causes()[-1] == "name-of-another-source"
    other = doors.came_back("partner", id="_a3", name="rad1@partner")
    assert other.subject.role_ceiling == {"guest"}


def test_a_provider_of_local_accounts_makes_none(doors):
    assert isinstance(doors.came_back("staff"), AuthenticationFailed)
    doors.stores.directory.add_user(SCOPE, UserRecord("rad1", "user", created_at=now()), _event())
    assert doors.came_back("staff", id="_a2").subject.name == "rad1"


def test_a_name_without_end_is_on_record_as_far_as_any_claimed_name(doors):
    assert doors.came_back(name="r" * 5000) == AuthenticationFailed(FailureKind.REFUSED)
    (refused,) = (event for event in doors.trail.events if event.kind is EventKind.SIGN_IN)
    assert refused.actor.name == "r" * LONGEST_CLAIM


def test_somebody_who_is_disabled_here_stays_out(doors):
    doors.came_back()
    user = doors.stores.directory.user(SCOPE, "rad1")
    doors.stores.directory.change_user(SCOPE, replace(user, disabled=True), _event())
    assert isinstance(doors.came_back(id="_a2"), AuthenticationFailed)
    assert doors.causes()[-1] == "disabled-user"


def test_a_request_is_signed_where_the_gate_has_a_key(doors):
    door, _ = doors.door()
    assert "Signature" not in door.send("/", None, doors.context()).url
    key = own_key()
    signing, _ = doors.door(own_key=key)
    url = signing.send("/", None, doors.context()).url
    assert url.startswith(SIGN_IN)
    query = parse_qs(urlsplit(url).query)
    assert query["SigAlg"] == ["http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"]
    raw = dict(part.split("=", 1) for part in urlsplit(url).query.split("&"))
    signed = "&".join(f"{name}={raw[name]}" for name in ("SAMLRequest", "RelayState", "SigAlg"))
    load_pem_x509_certificate(key.certificate.encode()).public_key().verify(
        base64.b64decode(query["Signature"][0]), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
    )


def test_the_metadata_names_the_addresses_of_this_provider(doors):
    text = doors.door()[0].metadata().decode()
    assert 'entityID="https://gate.example/auth/saml/clinic/metadata"' in text
    assert 'Location="https://gate.example/auth/saml/clinic/acs"' in text
    assert 'WantAssertionsSigned="true"' in text


def _event():
    return AuditEvent(EventKind.USER_CHANGED, now(), OPERATOR)
