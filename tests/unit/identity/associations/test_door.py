"""Who is let in, who is refused, and that all refusals look alike."""

from dataclasses import replace
from datetime import timedelta
from statistics import median
from time import perf_counter, sleep

import pytest

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.bootstrap.clock import SystemClock
from pacsgate.identity.associations.door import REFUSAL_STEP_SECONDS
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.refusals import Cause
from pacsgate.model.actions import Action
from pacsgate.model.errors import RecordError
from pacsgate.model.role import Assignment, Role
from pacsgate.model.subject import Credential, SubjectKind
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.ports.associations import CalledAe, UserIdentity
from tests.support.associations import (
    ADDRESS,
    CALLED,
    FINGERPRINT,
    Reception,
    by_name,
    by_password,
    open_reception,
    requestor,
)
from tests.support.people import PASSWORD

REFUSED = AuthenticationFailed(FailureKind.REFUSED)
HERE = ("10.1.0.0/16",)
ELSEWHERE = "192.0.2.1"
WARD = CalledAe("WARD_3", account="ward3")


@pytest.fixture
def reception(tmp_path) -> Reception:
    return open_reception(tmp_path)


def token_of(reception, user="rad1", **parts):
    people = reception.people
    parts.setdefault("expires_at", people.clock.now() + timedelta(days=1))
    return people.tokens.issue(people.change(), user, label="viewer", **parts)


# ------------------------------------------------------------------ people


def test_a_name_with_its_password_is_that_person_as_at_every_other_door(reception):
    people = reception.people
    found = reception.admitted(requestor(identity=by_password()))
    over_http = people.authenticator.password_door.sign_in("rad1", PASSWORD, people.context())
    assert found.subject == over_http
    assert found.subject.credential is Credential.PASSWORD
    assert found.remote is None


@pytest.mark.parametrize(("wants", "response"), [(True, b""), (False, None)])
def test_a_positive_response_is_owed_where_it_was_requested(reception, wants, response):
    of = requestor(identity=by_password(wants_response=wants))
    assert reception.admitted(of).response == response


def test_wrong_passcodes_over_dimse_and_http_fill_one_counter(reception):
    people = reception.people
    for _ in range(3):
        assert reception.admit(requestor(identity=by_password(password="wrong one"))) == REFUSED
    for _ in range(2):
        assert people.authenticator.password_door.sign_in("rad1", "wrong", people.context()) == REFUSED
    locked = reception.admit(requestor(identity=by_password()))
    assert isinstance(locked, AuthenticationFailed)
    assert locked.kind is FailureKind.LOCKED_OUT
    people.clock.advance(minutes=1)
    reception.admitted(requestor(identity=by_password()))


def test_a_password_is_hashed_once_a_minute_however_many_associations_there_are(reception, monkeypatch):
    hashes = []
    real = reception.people.passwords.matches
    monkeypatch.setattr(
        reception.people.passwords, "matches", lambda *given: hashes.append(1) or real(*given)
    )
    for _ in range(5):
        reception.admitted(requestor(identity=by_password()))
    assert len(hashes) == 1


@pytest.mark.parametrize("kind", [2, 5])
def test_an_api_token_serves_as_passcode_and_as_web_token_with_its_narrowing(reception, kind):
    issued = token_of(reception, actions=frozenset({Action.SEARCH}))
    text = issued.text.encode()
    identity = UserIdentity(2, b"rad1", text) if kind == 2 else UserIdentity(5, text)
    subject = reception.admitted(requestor(identity=identity)).subject
    assert (subject.name, subject.credential) == ("rad1", Credential.TOKEN)
    assert subject.token_actions == {Action.SEARCH}


def test_a_token_is_no_passcode_of_somebody_else(reception):
    reception.people.users.add(reception.people.change(), "boss", password=PASSWORD)
    issued = token_of(reception)
    assert reception.admit(requestor(identity=UserIdentity(2, b"boss", issued.text.encode()))) == REFUSED
    assert reception.causes() == ["token-of-somebody-else"]


def test_secrets_in_clear_text_are_refused_unless_that_is_configured(reception, tmp_path):
    for identity in (by_password(), UserIdentity(4, b"<a/>"), UserIdentity(5, b"a.b.c")):
        assert reception.admit(requestor(identity=identity, over_tls=False)) == REFUSED
    assert reception.causes() == ["identity-in-clear-text"]
    (tmp_path / "open").mkdir()
    trusting = open_reception(tmp_path / "open", allow_cleartext_identity=True)
    trusting.admitted(requestor(identity=by_password(), over_tls=False))


# ------------------------------------------------------------------ a user identity decides alone


@pytest.mark.parametrize(
    "identity",
    [
        by_password(password="wrong one"),
        by_password(password=""),
        by_password("nobody"),
        by_name(),
        by_name("ct1"),
        UserIdentity(2, b"\xff", b"x"),
        UserIdentity(3, b"ticket"),
        UserIdentity(4, b"<saml/>"),
        UserIdentity(5, b"a.b.c"),
        UserIdentity(5, b"pgt_" + b"0" * 16 + b"_" + b"0" * 64),
        UserIdentity(77, b"x"),
    ],
)
def test_an_identity_that_fails_never_falls_back_to_the_device_or_the_called_title(reception, identity):
    reception.add_device(networks=HERE)
    reception.people.users.add(reception.people.change(), "ward3", kind=SubjectKind.DEVICE)
    reception.admitted(requestor(called=WARD))
    assert reception.admit(requestor(called=WARD, identity=identity)) == REFUSED


def test_a_person_on_a_proven_device_is_the_person_and_the_device_is_known(reception):
    entity = reception.add_device(networks=HERE)
    found = reception.admitted(requestor(identity=by_password()))
    assert found.subject.name == "rad1"
    assert found.remote == entity


def test_a_title_that_is_contradicted_refuses_even_a_right_password(reception):
    entity = reception.add_device(networks=HERE)
    assert reception.admit(requestor(identity=by_password(), address=ELSEWHERE)) == REFUSED
    reception.change_device(replace(entity, disabled=True))
    assert reception.admit(requestor(identity=by_password())) == REFUSED
    assert reception.causes() == ["wrong-network", "disabled-or-expired-device"]


def test_a_title_without_proof_lets_a_person_in_but_is_not_proven(reception):
    reception.add_device(host="ws1.example", port=104)
    assert reception.admitted(requestor(identity=by_password())).remote is None


# ------------------------------------------------------------------ a name alone


def test_a_proven_device_may_name_the_people_it_vouches_for(reception):
    reception.add_device(networks=HERE, vouches_for=frozenset({"radiology"}))
    found = reception.admitted(requestor(identity=by_name()))
    assert (found.subject.name, found.subject.credential, found.subject.credential_id) == (
        "rad1",
        Credential.DEVICE,
        "CT1",
    )
    assert found.subject.groups == {"radiology"}
    (event,) = reception.people.trail.of(EventKind.SIGN_IN)
    assert event.actor.name == "rad1"


@pytest.mark.parametrize(
    "parts",
    [
        {"networks": HERE},
        {"networks": HERE, "vouches_for": frozenset({"cardiology"})},
        {"title_is_enough": True, "vouches_for": frozenset({"radiology"})},
        {"vouches_for": frozenset({"radiology"})},
    ],
)
def test_a_name_is_not_believed_from_a_device_that_does_not_vouch_for_it_or_is_not_proven(reception, parts):
    reception.add_device(**parts)
    assert reception.admit(requestor(identity=by_name())) == REFUSED
    assert reception.causes() == ["name-without-passcode"]


def test_a_disabled_person_is_not_let_in_by_its_name_either(reception):
    reception.add_device(networks=HERE, vouches_for=frozenset({"radiology"}))
    reception.people.users.set_disabled(reception.people.change(), "rad1", disabled=True)
    assert reception.admit(requestor(identity=by_name())) == REFUSED


# ------------------------------------------------------------------ devices


def test_a_proven_device_is_its_account(reception):
    people = reception.people
    reception.add_device(networks=HERE, certificate_sha256=FINGERPRINT)
    people.roles.add(people.change(), Role("modality", frozenset({Action.STORE})))
    people.users.assign(people.change(), "ct1", Assignment("modality"))
    found = reception.admitted(requestor())
    subject = found.subject
    assert (subject.name, subject.kind) == ("ct1", SubjectKind.DEVICE)
    assert (subject.credential, subject.credential_id) == (Credential.DEVICE, "CT1")
    assert subject.assignments == (Assignment("modality"),)
    assert found.response is None


@pytest.mark.parametrize(
    ("parts", "of", "cause"),
    [
        (None, {}, "unknown-device"),
        ({}, {}, "unknown-device"),
        ({"networks": HERE}, {"address": ELSEWHERE}, "wrong-network"),
        ({"certificate_sha256": FINGERPRINT}, {"certificate_sha256": None}, "wrong-certificate"),
        ({"networks": HERE, "disabled": True}, {}, "disabled-or-expired-device"),
        ({"networks": HERE, "account": None}, {}, "unknown-device"),
    ],
)
def test_a_device_that_is_not_proven_is_nobody(reception, parts, of, cause):
    if parts is not None:
        reception.add_device(**parts)
    assert reception.admit(requestor(**of)) == REFUSED
    assert reception.causes() == [cause]


def test_a_device_whose_account_is_disabled_or_gone_is_refused(reception):
    people = reception.people
    reception.add_device(networks=HERE)
    people.users.set_disabled(people.change(), "ct1", disabled=True)
    assert reception.admit(requestor()) == REFUSED
    people.users.remove(people.change(), "ct1")
    assert reception.admit(requestor()) == REFUSED


def test_a_called_title_may_have_an_account_for_whoever_has_no_other(reception):
    """Seed 002, AE management: a user id for titles that do not support user identification."""
    reception.people.users.add(reception.people.change(), "ward3", kind=SubjectKind.DEVICE)
    found = reception.admitted(requestor("ANY", called=WARD))
    assert (found.subject.name, found.subject.credential) == ("ward3", Credential.CALLED_AE)
    assert found.subject.credential_id == "WARD_3"
    reception.add_device(networks=HERE)
    assert reception.admitted(requestor("CT1", called=WARD)).subject.name == "ct1"
    assert reception.admit(requestor("CT1", called=WARD, address=ELSEWHERE)) == REFUSED


def test_nobody_can_lock_a_device_out(reception):
    reception.add_device(networks=HERE)
    for _ in range(50):
        assert reception.admit(requestor(address=ELSEWHERE)) == REFUSED
        reception.admit(requestor(identity=by_password("ct1", "guess")))
    reception.admitted(requestor())


# ------------------------------------------------------------------ the record, and what a refusal tells


def test_a_refusal_names_the_titles_as_claims_and_no_one_as_verified(reception):
    reception.admit(requestor("EVIL"))
    (event,) = reception.people.trail.of(EventKind.SIGN_IN)
    assert (event.outcome, event.actor.verified, event.actor.name) == (Outcome.SERIOUS, False, "(nobody)")
    assert event.actor.address == ADDRESS
    assert event.details == {
        "cause": "unknown-device",
        "calling_ae_title": "EVIL",
        "called_ae_title": CALLED.ae_title,
    }


def test_a_device_that_keeps_failing_is_told_once_a_minute_with_a_count(reception):
    for _ in range(10):
        reception.admit(requestor("EVIL"))
    reception.people.clock.advance(seconds=60)
    reception.admit(requestor("EVIL"))
    first, second = reception.people.trail.of(EventKind.SIGN_IN)
    assert "repeated" not in first.details
    assert second.details["repeated"] == "9"


def test_a_refusal_that_cannot_be_recorded_is_an_error(reception):
    reception.people.trail.broken = True
    for of in (requestor(), requestor(identity=by_name()), requestor(identity=by_password(password="no"))):
        with pytest.raises(RecordError):
            reception.admit(of)


def test_no_secret_is_ever_on_record(reception):
    issued = token_of(reception)
    secrets = [b"a-wrong-passcode", issued.text.encode(), b"header.payload.signature"]
    for kind, secret in zip((2, 2, 5), secrets, strict=True):
        reception.admit(requestor(identity=UserIdentity(kind, secret if kind == 5 else b"boss", secret)))
    told = repr(reception.people.trail.events)
    for secret in secrets:
        assert secret.decode() not in told
        assert secret.decode()[-32:] not in told


def test_every_refusal_waits_for_the_next_half_of_a_second(reception):
    for of in (requestor(), requestor(identity=by_name()), requestor(identity=by_password(password="no"))):
        reception.admit(of)
    assert reception.pauses == [REFUSAL_STEP_SECONDS] * 3


@pytest.mark.alone
@pytest.mark.long
def test_a_wrong_network_a_wrong_password_and_an_unknown_name_take_equally_long(tmp_path):
    reception = open_reception(tmp_path, clock=SystemClock(), pause=sleep, passwords=Argon2Passwords())
    reception.add_device(networks=HERE)
    askers = [
        requestor(address=ELSEWHERE),
        requestor("EVIL"),
        requestor(identity=by_password("nobody", "x")),
        requestor(identity=by_password("rad1", "x")),
        requestor(identity=by_name()),
    ]

    def cost(of):
        began = perf_counter()
        assert isinstance(reception.admit(of), AuthenticationFailed)
        return perf_counter() - began

    costs = [median(cost(of) for _ in range(3)) for of in askers]
    assert max(costs) - min(costs) < 0.05, costs


def test_causes_of_associations_are_all_the_same_to_the_caller():
    """But for those that say nothing about anybody: too many attempts, too much to do, a source that is away."""
    telling_nothing = {Cause.LOCKED, Cause.BUSY, Cause.SOURCE_UNAVAILABLE}
    assert {cause.kind for cause in set(Cause) - telling_nothing} == {FailureKind.REFUSED}
