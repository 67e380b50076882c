"""What an enforcement point is told of somebody is what that somebody would get, and on record before it is told."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.dicom.query import Query
from pacsgate.identity.accounts import LocalAccounts
from pacsgate.identity.latest_time import LatestTime
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import ReasonCode
from pacsgate.model.errors import RecordError, RequestError
from pacsgate.model.resource import ArchiveName, Level, ResourceKey
from pacsgate.model.subject import Subject, SubjectKind
from pacsgate.model.tenant_archives import of_one_tenant
from pacsgate.protocols.authzen.entities import (
    NO_CLAIMS,
    ActionSearch,
    Batch,
    Claims,
    PageRequest,
    Question,
    Resource,
    ResourceKind,
    ResourceSearch,
    Semantic,
    SubjectName,
    SubjectSearch,
    Unanswerable,
)
from pacsgate.services.evaluate_for_others import Enquirer, EvaluateForOthers, Evaluation
from pacsgate.services.feed_currency import FeedCurrency
from pacsgate.services.freshness import Freshness, FreshnessRule
from pacsgate.services.index_objects import ObjectIndexer
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.other_subjects import OtherSubjects
from pacsgate.services.publish_policy import PublishPolicy
from pacsgate.services.reach_obligations import common_mask, only_parts
from pacsgate.services.resolve import Reach, Refusal, Resolver
from pacsgate.services.search import Findings, Search
from pacsgate.services.search_for_others import Listed, SearchForOthers
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import stores_on
from tests.support.databases import sqlite_url
from tests.support.indexing import MAIN, SCOPE, SEEN, instance
from tests.support.people import OPERATOR, People, people_on

POLICY = """\
version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
  user.department: {type: string}
roles:
  radiologist: {may: [search, view, retrieve, delete], owner: chief}
  clerk: {may: [search], owner: chief}
  enforcement-point: {permissions: [EvaluateForOthers], owner: chief}
rules:
  - {id: their-department, effect: permit, roles: [radiologist], when: study.department == user.department}
  - {id: appointments, effect: permit, roles: [clerk], obligations: {mask: [PatientName]}}
  - {id: no-reports, effect: forbid, roles: [radiologist], when: series.modality == 'SR'}
  - {id: inside, effect: forbid, actions: [retrieve], when: env.network != 'internal', message: Only inside.}
  - {id: research, effect: forbid, actions: [view], when: env.purpose == 'HRESCH', message: Not for research.}
assignments:
  - {groups: [radiology], roles: [radiologist]}
  - {groups: [front-desk], roles: [clerk]}
  - {users: [gateway, scanner, rad1], roles: [enforcement-point]}
"""
STUDIES = {
    "1.1": ("P1", "CT", ("CT",)),
    "1.2": ("P1", "CT", ("CT", "SR")),
    "1.3": ("P1", "MR", ("MR",)),
    "1.4": ("P2", "MR", ("MR", "MR")),
    "1.5": ("P3", "CT", ("SR",)),
}
ACTIONS = (Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.DELETE, Action.EXPORT)
PEOPLE = {
    "rad1": ({"radiology"}, "CT"),
    "rad2": ({"radiology"}, "MR"),
    "clerk1": ({"front-desk"}, "CT"),
    "nobody1": (set(), "CT"),
}


@dataclass
class World:
    """An installation with a policy, people and studies, and an enforcement point that asks."""

    people: People
    others: OtherSubjects
    resolver: Resolver
    asking: EvaluateForOthers = field(init=False)
    searching: SearchForOthers = field(init=False)

    def __post_init__(self) -> None:
        self.asking = EvaluateForOthers(self.others, self.people.trail)
        self.searching = SearchForOthers(self.others, self.asking, self.people.trail)

    def enquirer(self, name: str = "gateway", kind: SubjectKind = SubjectKind.SERVICE) -> Enquirer:
        context = Context(self.people.clock.now(), "r-1", client_address="192.0.2.9")
        subject = self.others.accounts.subject(SCOPE, kind, name, context.now)
        assert subject is not None
        return Enquirer(subject, context, "theirs-7")

    def ask(self, name: str, action: str, about: Resource, **more: str) -> Reach | Refusal:
        claims = {key: more.pop(key) for key in ("purpose", "reason") if key in more}
        question = Question(SubjectName("user", name, more.get("address")), action, about, Claims(**claims))
        answer = self.asking.evaluate(self.enquirer(), question)
        assert isinstance(answer, Evaluation)
        return answer.found

    def subject(self, name: str) -> Subject:
        subject = self.others.accounts.subject(SCOPE, SubjectKind.USER, name, self.people.clock.now())
        assert subject is not None
        return subject

    def own_reach(self, name: str, action: Action, key: ResourceKey) -> Reach | Refusal:
        """What the doors find when the subject itself asks."""
        context = Context(self.people.clock.now(), "r-2")
        bound = self.others.policies.bind(SCOPE, self.subject(name), context, MAIN)
        return self.resolver.reach(SCOPE, MAIN, key, action, bound)

    def resources(self, name: str, action: str, level: Level, limit: int = 100) -> list[Resource]:
        """Every result, page by page."""
        results: list[Resource] = []
        position: str | None = None
        while True:
            asked = ResourceSearch(
                SubjectName("user", name),
                action,
                ResourceKind(level),
                NO_CLAIMS,
                PageRequest(limit, position),
            )
            page = self.searching.resources(self.enquirer(), asked)
            assert isinstance(page, Listed)
            assert len(page.results) <= limit
            results += page.results
            position = page.next_position
            if position is None:
                return results


@pytest.fixture
def world(furnished: World) -> World:
    furnished.people.trail.broken = False
    furnished.people.trail.events.clear()
    return furnished


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> World:
    stores = stores_on(open_database(sqlite_url(tmp_path_factory.mktemp("world"))))
    people = people_on(stores)
    PublishPolicy(stores.directory, stores.revisions, stores.outbox, people.trail, people.clock).publish(
        SCOPE, {"policy.yaml": POLICY}, OPERATOR
    )
    for name, (groups, department) in PEOPLE.items():
        people.users.add(
            people.change(),
            name,
            groups=frozenset(groups),
            attributes={"department": frozenset({department}), "purposes": frozenset({"HRESCH"})},
        )
    people.users.add(people.change(), "gateway", kind=SubjectKind.SERVICE)
    people.users.add(people.change(), "scanner", kind=SubjectKind.DEVICE)
    people.users.add(people.change(), "stranger", kind=SubjectKind.SERVICE)
    people.users.add(people.change(), "gone", groups=frozenset({"front-desk"}))
    people.users.set_disabled(people.change(), "gone", disabled=True)
    items = [
        instance(
            uid,
            f"{uid}.{number}",
            patient=patient,
            of_study={"StudyDate": f"202601{uid[-1:].zfill(2)}", "PatientName": "DOE^JANE"},
            study_facts={"department": frozenset({department})},
            series_facts={"modality": frozenset({modality})},
        )
        for uid, (patient, department, modalities) in STUDIES.items()
        for number, modality in enumerate(modalities, 1)
    ]
    stores.index.ingest(SCOPE, MAIN, items, SEEN)
    policies = LivePolicy(
        stores.epochs, stores.revisions, stores.directory, LatestTime(people.clock.now()).at
    )
    indexer = ObjectIndexer(stores.index, policies, people.trail, people.clock)
    rules = {MAIN: FreshnessRule(None)}
    resolver = Resolver(
        Freshness(
            stores.index,
            {},
            rules,
            indexer,
            people.clock,
            stores.epochs,
            FeedCurrency(stores.feeds, people.clock),
        )
    )
    others = OtherSubjects(
        policies=policies,
        resolver=resolver,
        index=stores.index,
        accounts=LocalAccounts(stores.directory),
        archives=of_one_tenant(MAIN),
        network_of=lambda address: "internal" if address == "10.0.0.7" else "external",
    )
    return World(people, others, resolver)


def study(uid: str) -> Resource:
    return Resource("study", uid, Level.STUDY, ResourceKey(uid))


def series(uid: str, number: int) -> Resource:
    return Resource("series", f"{uid}.{number}", Level.SERIES, ResourceKey(uid, f"{uid}.{number}"))


def patient(key: str) -> Resource:
    return Resource("patient", key, Level.PATIENT)


def codes(found: Reach | Refusal) -> list[ReasonCode]:
    return [reason.code for reason in found.reasons]


def keys(resources: list[Resource]) -> list[str]:
    return [str(resource.key or resource.id) for resource in resources]


def test_the_answer_is_what_the_subject_itself_would_get(world: World) -> None:
    seen = set()
    for name, action, uid in product(PEOPLE, ACTIONS, STUDIES):
        for about in (study(uid), *(series(uid, number) for number in range(1, 4))):
            told = world.ask(name, action.value, about)
            assert about.key is not None
            own = world.own_reach(name, action, about.key)
            assert (type(told), told.reasons) == (type(own), own.reasons), (name, action, uid)
            if isinstance(told, Reach) and isinstance(own, Reach):
                told_parts = [part.series.series_instance_uid for part in told.parts]
                assert told_parts == [part.series.series_instance_uid for part in own.parts]
            seen |= set(codes(told))
    assert {ReasonCode.PERMITTED_BY_RULE, ReasonCode.NOT_FOUND, ReasonCode.NOT_VISIBLE} < seen
    assert {ReasonCode.PARTLY_VISIBLE, ReasonCode.NO_PERMIT, ReasonCode.NO_ROLE} < seen


@pytest.mark.parametrize("level", [Level.PATIENT, Level.STUDY, Level.SERIES])
def test_a_list_is_what_evaluations_allow(world: World, level: Level) -> None:
    for name, action in product(PEOPLE, ACTIONS):
        about = {
            Level.PATIENT: [patient(key) for key in ("P1", "P2", "P3", "P4")],
            Level.STUDY: [study(uid) for uid in STUDIES],
            Level.SERIES: [
                series(uid, n) for uid, (*_, all_) in STUDIES.items() for n in range(1, len(all_) + 1)
            ],
        }[level]
        allowed = [one for one in about if isinstance(world.ask(name, action.value, one), Reach)]
        for limit in (1, 2, 100):
            listed = world.resources(name, action.value, level, limit)
            assert sorted(keys(listed)) == sorted(keys(allowed)), (name, action, limit)


def test_instances_are_listed_below_their_series(world: World) -> None:
    kind = ResourceKind(Level.INSTANCE, "1.2", "1.2.1")
    asked = ResourceSearch(SubjectName("user", "rad1"), "view", kind, NO_CLAIMS, PageRequest(10))
    page = world.searching.resources(world.enquirer(), asked)
    assert isinstance(page, Listed)
    assert keys(list(page.results)) == ["1.2/1.2.1/1.2.1.1"]


@pytest.mark.parametrize("name", list(PEOPLE))
def test_a_list_of_studies_to_search_is_the_subjects_own_search(world: World, name: str) -> None:
    context = Context(world.people.clock.now(), "r-3")
    bound = world.others.policies.bind(SCOPE, world.subject(name), context, MAIN)
    own = Search(world.others.index).find(SCOPE, MAIN, Query(Level.STUDY), bound)
    rows = [str(row.key) for row in own.rows] if isinstance(own, Findings) else []
    assert keys(world.resources(name, "search", Level.STUDY, limit=2)) == rows


def test_subjects_and_actions_are_those_that_evaluations_allow(world: World) -> None:
    for action, uid in product(ACTIONS, STUDIES):
        may = [
            name for name in sorted(PEOPLE) if isinstance(world.ask(name, action.value, study(uid)), Reach)
        ]
        found: list[str] = []
        position: str | None = None
        while True:
            asked = SubjectSearch("user", action.value, study(uid), NO_CLAIMS, PageRequest(1, position))
            listed = world.searching.subjects(world.enquirer(), asked)
            assert isinstance(listed, Listed)
            found += listed.results
            position = listed.next_position
            if position is None:
                break
        assert found == may
    for name, uid in product(PEOPLE, STUDIES):
        may = [action for action in Action if isinstance(world.ask(name, action.value, study(uid)), Reach)]
        asked_actions = ActionSearch(SubjectName("user", name), study(uid), NO_CLAIMS, PageRequest(100))
        listed_actions = world.searching.actions(world.enquirer(), asked_actions)
        assert isinstance(listed_actions, Listed)
        assert list(listed_actions.results) == may


def test_a_patient_may_be_changed_only_if_every_study_may(world: World) -> None:
    assert isinstance(world.ask("rad1", "view", patient("P1")), Reach)
    refused = world.ask("rad1", "delete", patient("P1"))
    assert codes(refused) == [ReasonCode.PARTLY_VISIBLE]
    assert isinstance(world.ask("rad2", "delete", patient("P2")), Reach)


def test_what_is_left_out_is_told_by_naming_the_rest(world: World) -> None:
    whole, partial = world.ask("rad1", "view", study("1.1")), world.ask("rad1", "view", study("1.2"))
    assert isinstance(whole, Reach)
    assert isinstance(partial, Reach)
    assert only_parts(whole, ResourceKey("1.1")) == ()
    assert only_parts(partial, ResourceKey("1.2")) == (ResourceKey("1.2", "1.2.1"),)
    assert only_parts(partial, ResourceKey("1.2", "1.2.1")) == ()
    of_patient = world.ask("rad1", "view", patient("P1"))
    assert isinstance(of_patient, Reach)
    assert set(only_parts(of_patient, None)) == {ResourceKey("1.1"), ResourceKey("1.2", "1.2.1")}


def test_what_is_hidden_in_an_answer_is_an_obligation(world: World) -> None:
    found = world.ask("clerk1", "search", study("1.1"))
    assert isinstance(found, Reach)
    assert common_mask(found).hides("PatientName")


def test_an_unknown_or_disabled_subject_is_a_denial_with_its_reason(world: World) -> None:
    for name in ("nobody-at-all", "gone", "gateway"):
        assert codes(world.ask(name, "view", study("1.1"))) == [ReasonCode.UNKNOWN_SUBJECT]
    assert codes(world.ask("rad1", "admire", study("1.1"))) == [ReasonCode.UNKNOWN_ACTION]


def test_a_type_or_archive_that_is_not_guarded_is_not_found(world: World) -> None:
    elsewhere = Resource("study", "1.1", Level.STUDY, ResourceKey("1.1"), ArchiveName("elsewhere"))
    assert codes(world.ask("rad1", "view", elsewhere)) == [ReasonCode.NOT_FOUND]
    assert codes(world.ask("rad1", "view", Resource("account", "7"))) == [ReasonCode.NOT_FOUND]


def test_the_subjects_address_counts_and_the_enquirers_does_not(world: World) -> None:
    assert isinstance(world.ask("rad1", "retrieve", study("1.1"), address="10.0.0.7"), Reach)
    refused = world.ask("rad1", "retrieve", study("1.1"))
    assert isinstance(refused, Refusal)
    assert refused.message == "Only inside."


def test_a_purpose_counts_only_if_the_subject_holds_it(world: World) -> None:
    refused = world.ask("rad1", "view", study("1.1"), purpose="HRESCH")
    assert isinstance(refused, Refusal)
    assert refused.message == "Not for research."
    assert codes(world.ask("rad1", "view", study("1.1"), purpose="BTG")) == [ReasonCode.PURPOSE_NOT_HELD]


def settled(world: World, semantic: Semantic, *studies: str) -> list[bool]:
    questions = tuple(Question(SubjectName("user", "rad1"), "view", study(uid)) for uid in studies)
    answers = world.asking.evaluate_batch(world.enquirer(), Batch(questions, semantic))
    assert isinstance(answers, tuple)
    return [isinstance(answer, Evaluation) and isinstance(answer.found, Reach) for answer in answers]


def test_a_batch_ends_where_its_semantic_says(world: World) -> None:
    yes, no = "1.1", "1.3"
    assert settled(world, Semantic.EXECUTE_ALL, yes, no, yes) == [True, False, True]
    assert settled(world, Semantic.DENY_ON_FIRST_DENY, yes, no, yes) == [True, False]
    assert settled(world, Semantic.PERMIT_ON_FIRST_PERMIT, no, yes, no) == [False, True]
    assert len(world.people.trail.of(EventKind.EVALUATED)) == 3 + 2 + 2


def test_a_question_that_cannot_be_read_is_a_denial_in_its_batch(world: World) -> None:
    batch = Batch((Unanswerable("no such thing"),), Semantic.DENY_ON_FIRST_DENY)
    assert world.asking.evaluate_batch(world.enquirer(), batch) == batch.questions


@pytest.mark.parametrize(
    ("name", "kind", "may"),
    [
        ("gateway", SubjectKind.SERVICE, True),
        ("scanner", SubjectKind.DEVICE, True),
        ("stranger", SubjectKind.SERVICE, False),
        ("rad1", SubjectKind.USER, False),
    ],
)
def test_only_a_machine_with_the_permission_may_ask(
    world: World, name: str, kind: SubjectKind, *, may: bool
) -> None:
    enquirer = world.enquirer(name, kind)
    answers = list(every_answer(world, enquirer))
    assert [not isinstance(answer, Refusal) for answer in answers] == [may] * 6
    denials = world.people.trail.of(EventKind.DENIED)
    assert len(denials) == (0 if may else 6)
    assert all(event.reasons == ("no-permission",) and event.actor.name == name for event in denials)


def every_answer(world: World, enquirer: Enquirer) -> Iterator[object]:
    rad1, page = SubjectName("user", "rad1"), PageRequest(10)
    question = Question(rad1, "view", study("1.1"))
    yield world.asking.evaluate(enquirer, question)
    yield world.asking.evaluate_batch(enquirer, Batch((question,), Semantic.EXECUTE_ALL))
    yield world.asking.evaluate_batch(enquirer, Batch((Unanswerable("no UID"),), Semantic.EXECUTE_ALL))
    yield world.searching.subjects(enquirer, SubjectSearch("user", "view", study("1.1"), NO_CLAIMS, page))
    kind = ResourceKind(Level.STUDY)
    yield world.searching.resources(enquirer, ResourceSearch(rad1, "view", kind, NO_CLAIMS, page))
    yield world.searching.actions(enquirer, ActionSearch(rad1, study("1.1"), NO_CLAIMS, page))


@pytest.mark.parametrize("position", ["9" * 30, "9" * 5000, "-1", "1e3", "\u0663"])
def test_a_page_that_nobody_was_told_of_is_a_mistake_of_the_caller(world: World, position: str) -> None:
    page, rad1 = PageRequest(10, position), SubjectName("user", "rad1")
    asked = ResourceSearch(rad1, "search", ResourceKind(Level.STUDY), NO_CLAIMS, page)
    with pytest.raises(RequestError, match="not one that this gate gave out"):
        world.searching.resources(world.enquirer(), asked)


def test_the_record_names_who_asked_and_for_whom(world: World) -> None:
    list(every_answer(world, world.enquirer()))
    one, batch, subjects, resources, actions = world.people.trail.of(EventKind.EVALUATED)
    assert (one.actor.name, one.details["subject"], one.details["decision"]) == ("gateway", "rad1", "allow")
    assert (one.action, one.query, one.reasons) == (
        "view",
        "view study 1.1",
        ("permitted-by-rule:their-department",),
    )
    assert one.study is not None
    assert (one.study.study_instance_uid, one.study.patient_id) == ("1.1", "P1")
    assert one.details["enquirer's request"] == "theirs-7"
    assert batch == one
    assert (subjects.count, resources.count, actions.count) == (1, 2, 3)
    assert "subject" not in subjects.details
    assert resources.details["subject"] == actions.details["subject"] == "rad1"


def test_nothing_is_told_that_cannot_be_recorded(world: World) -> None:
    enquirer = world.enquirer()
    world.people.trail.broken = True
    rad1 = SubjectName("user", "rad1")
    with pytest.raises(RecordError):
        world.asking.evaluate(enquirer, Question(rad1, "view", study("1.1")))
    with pytest.raises(RecordError):
        world.searching.resources(
            enquirer, ResourceSearch(rad1, "view", ResourceKind(Level.STUDY), NO_CLAIMS, PageRequest(10))
        )
