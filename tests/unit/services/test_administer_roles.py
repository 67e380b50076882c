import pytest

from pacsgate.audit.events import EventKind
from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect, Revision
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.role import Assignment, Role
from pacsgate.policy.document import load_policy
from pacsgate.policy.policy import Place, Policy, PolicyAssignment, Rule
from tests.support.people import SCOPE, open_people

POLICY = Policy(
    Revision("0" * 12),
    roles={"radiologist": Role("radiologist")},
    role_places={"radiologist": Place("policy.yaml", 12)},
    rules=(Rule("r", Effect.PERMIT, Place("policy.yaml", 20), roles=frozenset({"reader"})),),
    assignments=(
        PolicyAssignment(frozenset({"rad1"}), frozenset(), Assignment("helper"), Place("policy.yaml", 30)),
    ),
)


@pytest.fixture
def people(tmp_path):
    return open_people(tmp_path, policy=POLICY)


def test_a_role_is_added_and_removed_with_what_it_could_do_on_record(people):
    role = Role("auditor", frozenset({Action.SEARCH}), frozenset({Permission.AUDIT_READ}), owner="dpo")
    people.roles.add(people.change(), role)
    assert people.roles.roles(SCOPE) == (role,)
    added = people.trail.events[-1]
    assert (added.kind, added.details["after"]) == (
        EventKind.ROLE_CHANGED,
        "may=search; permissions=AuditRead; owner=dpo",
    )
    people.roles.remove(people.change(), "auditor")
    assert people.roles.roles(SCOPE) == ()
    assert people.trail.events[-1].details["before"] == added.details["after"]


def test_a_role_of_a_policy_file_is_changed_only_there(people):
    for order in (
        lambda: people.roles.add(people.change(), Role("radiologist")),
        lambda: people.roles.remove(people.change(), "radiologist"),
    ):
        with pytest.raises(ConflictError, match=r"managed-by-file.*policy\.yaml:12"):
            order()
    assert people.trail.events == []


def test_a_role_of_a_policy_file_can_be_assigned(people):
    people.users.add(people.change(), "rad1")
    people.users.assign(people.change(), "rad1", Assignment("radiologist"))
    assert people.users.user(SCOPE, "rad1").assignments == (Assignment("radiologist"),)


def test_a_role_that_somebody_has_stays(people):
    people.roles.add(people.change(), Role("auditor"))
    people.users.add(people.change(), "comp1")
    people.users.assign(people.change(), "comp1", Assignment("auditor"))
    with pytest.raises(ConflictError, match="comp1"):
        people.roles.remove(people.change(), "auditor")


@pytest.mark.parametrize(("name", "place"), [("reader", "policy.yaml:20"), ("helper", "policy.yaml:30")])
def test_a_role_that_the_policy_names_stays_because_the_policy_would_not_load_without_it(people, name, place):
    people.roles.add(people.change(), Role(name))
    with pytest.raises(ConflictError, match=place):
        people.roles.remove(people.change(), name)


def test_a_role_that_is_not_there_cannot_be_removed(people):
    with pytest.raises(NotFoundError):
        people.roles.remove(people.change(), "nothing")


@pytest.mark.parametrize("name", ["", "1st", "a b", "x" * 65, "a:b"])
def test_a_role_name_is_one_plain_word(people, name):
    with pytest.raises(RequestError):
        people.roles.add(people.change(), Role(name))


def test_a_role_that_others_extend_stays(people):
    people.roles.add(people.change(), Role("reader2"))
    people.roles.add(people.change(), Role("resident", extends=frozenset({"reader2"})))
    with pytest.raises(ConflictError, match="is extended by resident"):
        people.roles.remove(people.change(), "reader2")


@pytest.mark.parametrize(
    "text",
    [
        "roles: {head: {extends: [reader2]}}",
        "templates: {t: {roles: {head-<site>: {extends: [reader2]}}}}",
        "templates: {t: {roles: {head-<site>: {}}, assignments: [{groups: [g], roles: [reader2]}]}}",
    ],
)
def test_a_role_that_a_policy_file_builds_on_stays(tmp_path, text):
    policy = load_policy({"policy.yaml": f"version: 1\n{text}\n"}, (Role("reader2"),))
    people = open_people(tmp_path, policy=policy)
    people.roles.add(people.change(), Role("reader2"))
    with pytest.raises(ConflictError, match=r"is named at policy\.yaml:2"):
        people.roles.remove(people.change(), "reader2")


def test_a_role_of_a_file_is_not_changed_by_command(people):
    with pytest.raises(ConflictError, match="managed-by-file"):
        people.roles.change(people.change(), Role("radiologist"))
    with pytest.raises(NotFoundError):
        people.roles.change(people.change(), Role("nobody"))
