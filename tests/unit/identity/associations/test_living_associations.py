"""What let somebody into an association is what ends it, at once and quietly."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.role import Assignment, Role
from pacsgate.model.subject import Subject, SubjectKind
from pacsgate.ports.associations import CalledAe, UserIdentity
from pacsgate.ports.locks import LockTarget
from tests.support.associations import Reception, by_name, by_password, open_reception, requestor
from tests.support.people import SCOPE

HERE = ("10.1.0.0/16",)
WARD = CalledAe("WARD_3", account="ward3")


@pytest.fixture
def reception(tmp_path) -> Reception:
    return open_reception(tmp_path)


def living(reception):
    """One admitted association of each kind, with the device proven."""
    people = reception.people
    entity = reception.add_device(networks=HERE, vouches_for=frozenset({"radiology"}))
    people.users.add(people.change(), "ward3", kind=SubjectKind.DEVICE)
    ends = people.clock.now() + timedelta(days=1)
    issued = people.tokens.issue(people.change(), "rad1", label="viewer", expires_at=ends)
    asking = {
        "device": requestor(),
        "called": requestor("WS9", called=WARD),
        "name": requestor(identity=by_name()),
        "password": requestor("WS9", identity=by_password()),
        "token": requestor("WS9", identity=UserIdentity(5, issued.text.encode())),
    }
    return entity, {kind: (reception.admitted(of), of) for kind, of in asking.items()}


def alive(reception, associations) -> set[str]:
    return {kind for kind, (found, of) in associations.items() if reception.still(found, of) is not None}


ALL = {"device", "called", "name", "password", "token"}


def test_associations_live_on_while_nothing_changes(reception):
    _, associations = living(reception)
    for kind, (found, of) in associations.items():
        assert reception.still(found, of) == found.subject, kind
    reception.people.clock.advance(hours=12)
    reception.people.users.add(reception.people.change(), "somebody-else")
    assert alive(reception, associations) == ALL


@pytest.mark.parametrize(
    ("happens", "left"),
    [
        (lambda p: p.users.set_disabled(p.change(), "rad1", disabled=True), {"device", "called"}),
        (lambda p: p.users.set_disabled(p.change(), "ct1", disabled=True), ALL - {"device"}),
        (lambda p: p.users.set_disabled(p.change(), "ward3", disabled=True), ALL - {"called"}),
        (lambda p: p.users.remove(p.change(), "rad1"), {"device", "called"}),
        (lambda p: p.lock_desk.lock(p.change(), LockTarget.USER, "rad1", reason="x"), {"device", "called"}),
        (lambda p: p.lock_desk.lock(p.change(), LockTarget.USER, "ct1", reason="x"), ALL - {"device"}),
        (
            lambda p: p.lock_desk.lock(p.change(), LockTarget.DEVICE, "CT1", reason="x"),
            ALL - {"device", "name"},
        ),
        (
            lambda p: p.users.set_password(p.change(), "rad1", "another horse battery"),
            ALL - {"password"},
        ),
        (lambda p: p.users.set_groups(p.change(), "rad1", frozenset()), ALL - {"name"}),
        (lambda p: p.tokens.revoke(p.change(), p.tokens.tokens(SCOPE)[0].token_id), ALL - {"token"}),
    ],
)
def test_what_let_somebody_in_is_what_ends_it(reception, happens, left):
    _, associations = living(reception)
    assert alive(reception, associations) == ALL
    happens(reception.people)
    assert alive(reception, associations) == left


@pytest.mark.parametrize(
    ("changed", "left"),
    [
        ({"disabled": True}, ALL - {"device", "name"}),
        ({"networks": ("10.9.0.0/16",)}, ALL - {"device", "name"}),
        ({"networks": ()}, ALL - {"device", "name"}),
        ({"certificate_sha256": "cd" * 32}, ALL - {"device", "name"}),
        ({"vouches_for": frozenset()}, ALL - {"name"}),
        ({"account": "ward3"}, ALL - {"device"}),
        ({"description": "moved"}, ALL),
    ],
)
def test_a_changed_device_ends_what_it_carried(reception, changed, left):
    entity, associations = living(reception)
    reception.change_device(replace(entity, **changed))
    assert alive(reception, associations) == left


def test_a_removed_device_ends_what_it_carried(reception):
    _, associations = living(reception)
    reception.stores.remote_aes.remove_remote_ae(SCOPE, "CT1", reception.event())
    assert alive(reception, associations) == ALL - {"device", "name"}


def test_a_device_expires_in_the_middle_of_an_association(reception):
    entity, associations = living(reception)
    until = reception.people.clock.now() + timedelta(minutes=5)
    reception.change_device(replace(entity, valid_until=until))
    assert alive(reception, associations) == ALL
    reception.people.clock.advance(minutes=5)
    assert alive(reception, associations) == ALL - {"device", "name"}


@pytest.mark.parametrize(("account", "left"), [("rad1", {"device", "called"}), ("ct1", ALL - {"device"})])
def test_an_account_ends_by_itself_in_the_middle_of_an_association(reception, account, left):
    _, associations = living(reception)
    people = reception.people
    kept = people.directory.user(SCOPE, account)
    ends = replace(kept, until=people.clock.now() + timedelta(minutes=5))
    people.directory.change_user(SCOPE, ends, reception.event())
    assert alive(reception, associations) == ALL
    people.clock.advance(minutes=5)
    assert alive(reception, associations) == left


def test_a_token_expires_in_the_middle_of_an_association(reception):
    _, associations = living(reception)
    reception.people.clock.advance(hours=23)
    assert alive(reception, associations) == ALL
    reception.people.clock.advance(hours=1)
    assert alive(reception, associations) == ALL - {"token"}


def test_a_clock_set_back_revives_nothing(reception):
    _, associations = living(reception)
    reception.people.clock.advance(days=1)
    assert alive(reception, associations) == ALL - {"token"}
    reception.people.clock.set_back(hours=12)
    assert alive(reception, associations) == ALL - {"token"}


def test_a_lock_ends_what_a_password_let_in_and_nothing_else(reception):
    _, associations = living(reception)
    assert alive(reception, associations) == ALL
    for _ in range(5):
        reception.admit(requestor("WS9", identity=by_password(password="wrong one")))
    assert alive(reception, associations) == ALL - {"password"}


def test_new_roles_reach_a_living_association(reception):
    people = reception.people
    _, associations = living(reception)
    people.roles.add(people.change(), Role("reader", frozenset({Action.SEARCH})))
    people.users.assign(people.change(), "rad1", Assignment("reader"))
    for kind in ("name", "password", "token"):
        subject = reception.still(*associations[kind])
        assert isinstance(subject, Subject)
        assert subject.assignments == (Assignment("reader"),)
        assert subject.authenticated_at == associations[kind][0].subject.authenticated_at


def test_looking_again_counts_and_records_nothing_and_reads_once_per_change(reception, monkeypatch):
    _, associations = living(reception)
    alive(reception, associations)
    reception.people.trail.events.clear()
    reads = []
    real = reception.stores.remote_aes.remote_ae
    monkeypatch.setattr(
        reception.stores.remote_aes, "remote_ae", lambda *given: reads.append(1) or real(*given)
    )
    for _ in range(100):
        assert alive(reception, associations) == ALL
    assert reads == []
    reception.people.users.add(reception.people.change(), "somebody-else")
    reception.people.trail.events.clear()
    alive(reception, associations)
    assert len(reads) == len(ALL)
    assert reception.people.trail.events == []
