"""What a C-MOVE or C-GET comes to: for each requester, each way of naming, each destination."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from typing import cast

import pytest

from pacsgate.identity.accounts import LocalAccounts
from pacsgate.identity.latest_time import LatestTime
from pacsgate.model.actions import Action
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.context import Context
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.model.subject import SubjectKind
from pacsgate.policy.engine import Bound
from pacsgate.ports.associations import Admitted
from pacsgate.services.feed_currency import FeedCurrency
from pacsgate.services.freshness import Freshness, FreshnessRule
from pacsgate.services.index_objects import ObjectIndexer
from pacsgate.services.judge_transfer import TooManyObjectsError, Transfer, judge_transfer
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.move_destinations import MoveDestinations, is_requestor
from pacsgate.services.publish_policy import PublishPolicy
from pacsgate.services.resolve import Answer, Reach, Resolver
from pacsgate.services.resolve_many import MAX_NAMED, ResolveMany, UniqueKeys
from pacsgate.services.search import Search
from pacsgate.services.shadow_policy import Asked, ShadowPolicy
from pacsgate.services.shadowed import ShadowedResolveMany
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import Stores, stores_on
from tests.support.databases import sqlite_url
from tests.support.events import numbered
from tests.support.indexing import MAIN, SCOPE, SEEN, instance
from tests.support.people import OPERATOR, People, people_on

POLICY = """\
version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
  user.department: {type: string}
roles:
  reader: {may: [search, view, retrieve], owner: o}
  exporter: {may: [search, retrieve, export], owner: o}
  clerk: {may: [search], owner: o}
  masked: {may: [search, retrieve], owner: o}
  partly: {may: [search, retrieve], owner: o}
  archive: {may: [retrieve], owner: o}
rules:
  - {id: department, effect: permit, roles: [reader, exporter], when: study.department == user.department}
  - {id: clerks, effect: permit, roles: [clerk]}
  - {id: no-names, effect: permit, roles: [masked], obligations: {mask: [PatientID, PatientName]}}
  - id: no-names-of-mr
    effect: permit
    roles: [partly]
    when: study.department == 'MR'
    obligations: {mask: [PatientID]}
  - {id: ct-archive, effect: permit, roles: [archive], when: study.department == 'CT'}
  - {id: no-reports-out, effect: forbid, actions: [export], when: series.modality == 'SR'}
  - {id: no-reports-to-archives, effect: forbid, roles: [archive], when: series.modality == 'KO'}
  - {id: looked-at-only, effect: forbid, actions: [retrieve], when: series.modality == 'PR'}
  - {id: inside, effect: forbid, users: [ward], when: env.network != 'internal'}
  - {id: only-as-itself, effect: forbid, users: [ward], when: env.calling_ae_title != 'WARD'}
assignments:
  - {users: [reader], roles: [reader]}
  - {users: [mixed], roles: [reader, partly]}
  - {users: [exporter], roles: [exporter]}
  - {users: [clerk], roles: [clerk]}
  - {users: [masked], roles: [masked]}
  - {users: [ward, retired], roles: [archive]}
"""
STUDIES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "1.1": ("P1", "CT", ("CT", "SR")),
    "1.2": ("P1", "MR", ("MR",)),
    "1.3": ("P2", "CT", ("CT", "KO")),
    "1.4": ("P2", "CT", ("PR",)),
}
PEOPLE = {"reader": "CT", "exporter": "CT", "clerk": "CT", "masked": "CT", "mixed": "CT"}


@dataclass
class World:
    stores: Stores
    people: People
    policies: LivePolicy
    freshness: Freshness
    destinations: MoveDestinations

    @property
    def context(self) -> Context:
        return Context(self.people.clock.now(), "r-1", calling_ae_title="READER", network="external")

    def bound(self, name: str) -> Bound:
        subject = self.destinations.accounts.subject(SCOPE, SubjectKind.USER, name, self.people.clock.now())
        assert subject is not None
        return self.policies.bind(SCOPE, subject, self.context, MAIN)

    def resolve(self, name: str) -> ResolveMany:
        return ResolveMany(Search(self.stores.index), self.freshness, SCOPE, MAIN, self.bound(name))

    def judge(
        self,
        name: str,
        keys: UniqueKeys,
        action: Action = Action.RETRIEVE,
        receiver: Bound | None = None,
    ) -> Transfer:
        return judge_transfer(self.resolve(name), keys, action, receiver, lambda: None)

    def receiver(self, remote: RemoteAe) -> Bound | None:
        return self.destinations.bind(SCOPE, remote, self.context, MAIN)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    stores = stores_on(open_database(sqlite_url(tmp_path_factory.mktemp("world"))))
    people = people_on(stores)
    PublishPolicy(stores.directory, stores.revisions, stores.outbox, people.trail, people.clock).publish(
        SCOPE, {"policy.yaml": POLICY}, OPERATOR
    )
    for name, department in PEOPLE.items():
        people.users.add(people.change(), name, attributes={"department": frozenset({department})})
    people.users.add(people.change(), "ward", kind=SubjectKind.DEVICE)
    people.users.add(people.change(), "retired", kind=SubjectKind.DEVICE)
    people.users.set_disabled(people.change(), "retired", disabled=True)
    stores.index.ingest(
        SCOPE,
        MAIN,
        [
            instance(
                uid,
                f"{uid}.{number}",
                f"{uid}.{number}.{image}",
                patient=patient,
                of_study={"StudyDate": "20260101", "PatientName": "DOE^JANE"},
                study_facts={"department": frozenset({department})},
                series_facts={"modality": frozenset({modality})},
            )
            for uid, (patient, department, modalities) in STUDIES.items()
            for number, modality in enumerate(modalities, 1)
            for image in (1, 2)
        ],
        SEEN,
    )
    policies = LivePolicy(
        stores.epochs, stores.revisions, stores.directory, LatestTime(people.clock.now()).at
    )
    freshness = Freshness(
        stores.index,
        {},
        {MAIN: FreshnessRule(None)},
        ObjectIndexer(stores.index, policies, people.trail, people.clock),
        people.clock,
        stores.epochs,
        FeedCurrency(stores.feeds, people.clock),
    )
    destinations = MoveDestinations(
        stores.remote_aes,
        LocalAccounts(stores.directory),
        policies,
        lambda address: "internal" if address == "10.0.0.7" else "external",
    )
    return World(stores, people, policies, freshness, destinations)


WARD = RemoteAe("WARD", account="ward", host="10.0.0.7", port=104, owner="chief")


def sops(transfer: Transfer) -> set[str]:
    return {instance.sop_instance_uid for part in transfer.parts for instance in part.instances}


def study(*uids: str) -> UniqueKeys:
    return {Level.STUDY: uids}


def test_a_study_is_sent_as_far_as_it_may_be_retrieved(world: World) -> None:
    for name, uid in product(PEOPLE, STUDIES):
        transfer = world.judge(name, study(uid))
        found = Resolver(world.freshness).reach(
            SCOPE, MAIN, ResourceKey(uid), Action.RETRIEVE, world.bound(name)
        )
        allowed = (
            {instance.sop_instance_uid for part in found.parts for instance in part.instances}
            if isinstance(found, Reach)
            else set()
        )
        assert sops(transfer) == allowed, (name, uid)


def test_hidden_and_missing_studies_leave_the_same_behind(world: World) -> None:
    hidden, missing = world.judge("reader", study("1.2")), world.judge("reader", study("9.9"))
    for transfer in (hidden, missing):
        assert transfer.parts == ()
        assert transfer.refused is None
        assert [each.answer for each in transfer.refusals.values()] == [Answer.NOT_FOUND]


def test_what_may_be_searched_and_not_retrieved_is_refused(world: World) -> None:
    transfer = world.judge("reader", study("1.4"))
    assert transfer.parts == ()
    assert transfer.refused is not None
    assert transfer.refused.answer is Answer.FORBIDDEN


def test_of_many_studies_those_that_may_be_sent_are_sent(world: World) -> None:
    transfer = world.judge("reader", study("1.1", "1.2", "9.9", "1.4", "1.3"))
    assert sops(transfer) == sops(world.judge("reader", study("1.1"))) | sops(
        world.judge("reader", study("1.3"))
    )
    assert len(transfer.refusals) == 3


def test_a_study_that_is_named_twice_is_sent_once(world: World) -> None:
    assert world.judge("reader", study("1.3", "1.3")).count == 4


def test_series_and_instances_are_named_under_their_own_parents(world: World) -> None:
    series = {Level.STUDY: ("1.1",), Level.SERIES: ("1.1.1",)}
    assert sops(world.judge("reader", series)) == {"1.1.1.1", "1.1.1.2"}
    image = {**series, Level.INSTANCE: ("1.1.1.2", "9.9", "1.1.2.1")}
    assert sops(world.judge("reader", image)) == {"1.1.1.2"}
    elsewhere = {Level.STUDY: ("1.1",), Level.SERIES: ("1.3.1",)}
    assert sops(world.judge("reader", elsewhere)) == set()


def test_a_patient_is_all_of_its_studies_that_may_be_found(world: World) -> None:
    patient = {Level.PATIENT: ("P1",)}
    assert sops(world.judge("reader", patient)) == sops(world.judge("reader", study("1.1")))
    assert sops(world.judge("reader", {Level.PATIENT: ("P9",)})) == set()
    below = {Level.PATIENT: ("P1",), Level.STUDY: ("1.3",)}
    assert sops(world.judge("reader", below)) == set(), "the study of another patient"


def test_a_patient_id_finds_nothing_for_whoever_may_not_see_it(world: World) -> None:
    assert sops(world.judge("masked", study("1.1"))) != set()
    for keys in ({Level.PATIENT: ("P1",)}, {Level.PATIENT: ("P1",), Level.STUDY: ("1.1",)}):
        assert sops(world.judge("masked", keys)) == set()


def test_a_patient_id_confirms_no_study_in_which_it_is_masked(world: World) -> None:
    assert sops(world.judge("mixed", study("1.2"))) != set()
    assert sops(world.judge("mixed", {Level.PATIENT: ("P1",), Level.STUDY: ("1.2",)})) == set()
    assert sops(world.judge("mixed", {Level.PATIENT: ("P1",), Level.STUDY: ("1.1",)})) != set()


def test_a_relational_request_finds_a_series_without_its_study(world: World) -> None:
    assert sops(world.judge("reader", {Level.SERIES: ("1.1.1", "1.2.1")})) == {"1.1.1.1", "1.1.1.2"}


def test_an_instance_alone_cannot_be_found(world: World) -> None:
    with pytest.raises(RequestError) as raised:
        world.judge("reader", {Level.INSTANCE: ("1.1.1.1",)})
    assert raised.value.status == 413


def test_more_uids_than_an_identifier_can_hold_are_refused_before_any_is_looked_at(world: World) -> None:
    with pytest.raises(RequestError) as raised:
        world.judge("reader", study(*(f"1.{number}" for number in range(MAX_NAMED + 1))))
    assert raised.value.status == 413


def test_more_objects_than_a_counter_can_say_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pacsgate.services.judge_transfer.MAX_OBJECTS", 3)
    assert world.judge("reader", {Level.STUDY: ("1.1",), Level.SERIES: ("1.1.1",)}).count == 2
    with pytest.raises(TooManyObjectsError):
        world.judge("reader", study("1.3"))


def test_what_goes_elsewhere_needs_export_of_each_part(world: World) -> None:
    receiver = world.receiver(WARD)
    assert sops(world.judge("reader", study("1.1"), Action.EXPORT, receiver)) == set()
    sent = world.judge("exporter", study("1.1"), Action.EXPORT, receiver)
    assert sops(sent) == {"1.1.1.1", "1.1.1.2"}, "the report is not exported"


def test_what_goes_elsewhere_needs_the_receivers_own_right(world: World) -> None:
    sent = world.judge("exporter", study("1.3"), Action.EXPORT, world.receiver(WARD))
    assert sops(sent) == {"1.3.1.1", "1.3.1.2"}, "the key object is not for archives"
    assert len(sent.withheld) == 1


def test_a_receiver_is_asked_about_as_if_it_called_from_its_own_address(world: World) -> None:
    elsewhere = replace(WARD, host="10.9.9.9")
    assert world.judge("exporter", study("1.1"), Action.EXPORT, world.receiver(elsewhere)).parts == ()
    assert world.judge("exporter", study("1.1"), Action.EXPORT, world.receiver(WARD)).parts != ()


@pytest.mark.parametrize(
    "change",
    [
        {"account": None},
        {"account": "nobody"},
        {"account": "retired"},
    ],
)
def test_a_destination_that_stands_for_nobody_receives_nothing(
    world: World, change: Mapping[str, str | None]
) -> None:
    assert world.receiver(replace(WARD, **change)) is None  # type: ignore[arg-type]  # one field at a time


def test_only_entries_that_somebody_vouches_for_are_destinations(world: World) -> None:
    now = world.people.clock.now()
    entries = {
        "GOOD": WARD,
        "EXPIRED": replace(WARD, valid_until=now),
        "DISABLED": replace(WARD, disabled=True),
        "NOBODYS": replace(WARD, owner=""),
        "NOWHERE": replace(WARD, host=None),
        "PORTLESS": replace(WARD, port=None),
        "FOR-A-WHILE": replace(WARD, valid_until=now + timedelta(seconds=1)),
    }
    for title, entry in entries.items():
        world.stores.remote_aes.add_remote_ae(SCOPE, replace(entry, ae_title=title), numbered(1))
    found = {
        title
        for title in (*entries, "MISSING")
        if world.destinations.find(SCOPE, title, world.context) is not None
    }
    assert found == {"GOOD", "FOR-A-WHILE"}


def test_only_what_was_proven_to_be_the_destination_moves_to_itself(world: World) -> None:
    subject = world.bound("reader").subject
    assert is_requestor(WARD, Admitted(subject, WARD))
    assert not is_requestor(WARD, Admitted(subject, None))
    assert not is_requestor(WARD, Admitted(subject, replace(WARD, ae_title="OTHER")))


def test_both_masks_hide(world: World) -> None:
    receiver = world.bound("masked")
    sent = world.judge("exporter", study("1.1"), Action.EXPORT, receiver)
    assert [part.mask.hides("PatientID") for part in sent.parts] == [True]
    assert [part.mask.hides("PatientID") for part in world.judge("reader", study("1.1")).parts] == [False] * 2


class Ear:
    """A shadow that writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def context_of(self, bound: Bound) -> Context:
        return bound.context

    def note(self, asked: Asked) -> None:
        self.heard.append(str(asked.key))


@pytest.mark.parametrize(
    ("keys", "heard"),
    [
        (study("1.1", "9.9"), ["1.1", "9.9"]),
        ({Level.STUDY: ("1.1",), Level.SERIES: ("1.1.1", "1.1.2")}, ["1.1/1.1.1", "1.1/1.1.2"]),
        (
            {Level.STUDY: ("1.1",), Level.SERIES: ("1.1.1",), Level.INSTANCE: ("1.1.1.2",)},
            ["1.1/1.1.1/1.1.1.2"],
        ),
    ],
    ids=["studies", "series", "instances"],
)
def test_the_shadow_hears_of_everything_that_is_named(
    world: World, keys: UniqueKeys, heard: list[str]
) -> None:
    ear = Ear()
    search = Search(world.stores.index)
    shadowed = ShadowedResolveMany(
        search, world.freshness, SCOPE, MAIN, world.bound("reader"), cast("ShadowPolicy", ear)
    )
    found = judge_transfer(shadowed, keys, Action.RETRIEVE, None, lambda: None)
    assert sops(found) == sops(world.judge("reader", keys))
    assert ear.heard == heard
