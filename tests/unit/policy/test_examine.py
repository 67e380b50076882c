from collections import Counter

from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.subject import Attributes, Subject
from pacsgate.policy.difference import Span
from pacsgate.policy.engine import bind
from pacsgate.policy.examine import Examiner, stand_ins, who_can
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.kind_sets import KindSets
from pacsgate.policy.population import Population
from pacsgate.policy.reach import reached
from tests.properties.test_kind_sets_agree import Kind
from tests.unit.policy.hospital import INSIDE, MAIN, POLICY, grant, person, policy, study

CT = {"modality": frozenset({"CT"})}
SR = {"modality": frozenset({"SR"})}


def test_who_can_names_everybody_with_what_decided() -> None:
    people = [
        person("radiologist", name="rad", department="CT-A"),
        person("clerk", name="clerk"),
        person("auditor", name="comp"),
        person("radiologist", name="other", department="MR-B"),
        person("clerk", name="granted"),
    ]
    given = grant(Action.VIEW, to="granted")
    facts = study(department="CT-A")
    found = {
        holder.subject.name: [str(reason) for reason in holder.reasons]
        for holder in who_can(policy(), people, INSIDE, MAIN, [given], Action.VIEW, [facts, facts])
    }
    assert found == {
        "rad": ["permitted-by-rule:own-department"],
        "granted": ["permitted-by-grant:g1"],
    }
    searching = who_can(policy(), people, INSIDE, MAIN, [], Action.SEARCH, [facts])
    assert [holder.subject.name for holder in searching] == ["rad", "clerk", "granted"]


def test_who_can_names_the_parts() -> None:
    text = """version: 1
roles: {r: {may: [search, view]}}
rules: [{id: a, effect: permit, roles: [r], when: series.modality == 'CT'}]
"""
    seen = study("1")
    report = ResourceFacts(seen.study, SR)
    (holder,) = who_can(policy(text), [person("r")], INSIDE, MAIN, [], Action.VIEW, [report, seen])
    assert holder.parts == (1,)


def test_whoever_may_not_search_a_study_may_not_view_it() -> None:
    text = """version: 1
roles: {r: {may: [search, view]}}
rules: [{id: a, effect: permit, roles: [r], actions: [view]}]
"""
    assert list(who_can(policy(text), [person("r")], INSIDE, MAIN, [], Action.VIEW, [study()])) == []


def test_a_stand_in_is_a_member_of_one_group_or_has_one_role() -> None:
    groups, roles = stand_ins(
        policy(
            POLICY
            + "assignments:\n  - {groups: [clerks], roles: [clerk]}\n  - {groups: [a], roles: [student]}\n"
        )
    )
    assert list(groups) == ["a", "clerks"]
    assert set(roles) == {"radiologist", "clerk", "student", "auditor"}
    assert groups["clerks"].groups == {"clerks"}


def facts(department: str, *labels: str) -> Attributes:
    return {
        "department": frozenset({department}),
        "labels": frozenset(labels),
        "modalities": frozenset({"CT"}),
    }


KINDS = [
    Kind(0, facts("CT-A"), (CT,), studies=100),
    Kind(1, facts("CT-A", "VIP"), (CT, SR), studies=7),
    Kind(2, facts("MR-B"), (CT,), studies=50),
]


def examiner(subject: Subject, *grants, count=lambda _: 0) -> Examiner:
    population = Population(KINDS)
    sets = KindSets(policy(), population, MAIN, grants).of(subject, INSIDE)
    return Examiner(sets, bind(policy(), subject, INSIDE, MAIN, grants), count)


def test_what_can_counts_studies_by_action_and_by_what_the_rules_name() -> None:
    asked = examiner(person("radiologist", department="CT-A", clearance=1))
    totals = {holding.action: holding.studies for holding in asked.totals()}
    assert totals == {action: Span(100, 100) for action in (Action.SEARCH, Action.VIEW, Action.RETRIEVE)}
    shares = {
        (str(share.attribute), share.value): share.holdings[0].studies.least for share in asked.shares()
    }
    assert shares == {
        ("study.department", "CT-A"): 100,
        ("study.labels", None): 100,
        ("study.modalities", "CT"): 100,
    }


def test_what_rests_on_a_grant_is_counted_by_the_index() -> None:
    given = grant(Action.VIEW, Action.SEARCH, on=(GrantTarget.STUDY, "1.2.3"))
    asked: list[str] = []

    def count(constraint) -> int:
        asked.append(str(constraint.formula))
        return 1

    totals = examiner(person("student", clearance=3), given, count=count).totals()
    assert {holding.action: holding.studies for holding in totals} == {
        Action.SEARCH: Span(157, 157),
        Action.VIEW: Span(157, 157),
    }, "a student sees everything: the grant adds nothing, and is not asked about"
    assert asked == []
    totals = examiner(person("clerk"), given, count=count).totals()
    assert {holding.action: holding.studies.least for holding in totals}[Action.VIEW] == 1
    assert asked


def test_a_share_of_one_value_is_counted_as_decided_study_by_study() -> None:
    subject = person("radiologist", department="CT-A", clearance=3)
    bound = bind(policy(), subject, INSIDE, MAIN, [])
    expected: Counter[str] = Counter()
    for kind in KINDS:
        parts = [ResourceFacts(kind.study, part) for part in kind.parts]
        if reached(bound, Action.VIEW, parts):
            expected.update({str(label): kind.studies for label in kind.study["labels"] or {None}})
    found = {
        str(share.value): share.holdings[1].studies.least
        for share in examiner(subject).shares()
        if share.attribute.name == "labels"
    }
    assert found == dict(expected) == {"None": 100, "VIP": 7}


def test_grants_to_groups_and_roles_count_too() -> None:
    for kind, to in ((GranteeKind.GROUP, "g"), (GranteeKind.ROLE, "clerk")):
        given = grant(Action.VIEW, to=to, kind=kind)
        totals = examiner(person("clerk", groups=("g",)), given, count=lambda _: 1).totals()
        assert Action.VIEW in {holding.action for holding in totals}
