"""A difference is counted over everybody and everything, and says by which rule and for which studies."""

from pathlib import Path

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.policy.difference import Span, exactly
from pacsgate.policy.difference_summary import Difference
from pacsgate.policy.document import load_policy
from pacsgate.policy.policy import Policy
from tests.support.clocks import START
from tests.support.counted import EVENT, POLICY, WIDER, Counted
from tests.support.indexing import MAIN, SCOPE

ASKED = Context(START, "r1")


def policy(text: str) -> Policy:
    return load_policy({"policy.yaml": text})


def compare(counted: Counted, old: str, new: str) -> Difference:
    return counted.comparison.compare(SCOPE, policy(old), policy(new), ASKED)


def test_a_policy_differs_from_itself_in_nothing(tmp_path: Path) -> None:
    found = compare(Counted(tmp_path), POLICY, POLICY + "# saved again\n")
    assert found.is_empty
    assert (found.users, found.studies, found.circumstances) == (4, 6, 1)


def test_users_and_studies_are_counted_for_each_action(tmp_path: Path) -> None:
    found = compare(Counted(tmp_path), POLICY, WIDER)
    assert (found.gained, found.lost) == (exactly(20), exactly(0))
    assert [(row.action, row.gained, row.users_gaining) for row in found.actions] == [
        (Action.SEARCH, exactly(10), 3),
        (Action.VIEW, exactly(10), 3),
    ]
    back = compare(Counted(tmp_path), WIDER, POLICY)
    assert (back.gained, back.lost) == (exactly(0), exactly(20))


def test_the_rule_that_made_the_difference_is_named_with_its_place(tmp_path: Path) -> None:
    found = compare(Counted(tmp_path), POLICY, WIDER)
    (row,) = found.rules
    assert (row.altered.rule.rule_id, str(row.altered.rule.place), row.altered.alteration, row.gained) == (
        "own-department",
        "policy.yaml:9",
        "changed",
        20,
    )


def test_examples_name_studies_that_really_are_gained(tmp_path: Path) -> None:
    found = compare(Counted(tmp_path), POLICY, WIDER)
    by_user = {row.user: row for row in found.examples}
    assert set(by_user["cat"].examples) <= {"1.2.0", "1.2.1", "1.2.2", "1.2.5"}
    assert (by_user["ann"].others, by_user["ann"].actions) == (1, (Action.SEARCH, Action.VIEW))


def test_an_assignment_changes_access_without_any_rule(tmp_path: Path) -> None:
    found = compare(
        Counted(tmp_path), POLICY, POLICY + "assignments: [{users: [dan], roles: [radiologist]}]\n"
    )
    assert found.is_empty, "dan is of no department"
    new = POLICY + "assignments: [{users: [ann], roles: [publisher]}]\n"
    (change,) = compare(Counted(tmp_path), POLICY, new).permissions
    assert (change.user, change.permission, change.is_gain) == ("ann", "PolicyPublish", True)


def test_a_ceiling_that_sinks_takes(tmp_path: Path) -> None:
    found = compare(Counted(tmp_path), POLICY, POLICY.replace("[search, view]", "[search]"))
    # ann and bob view three studies each, cat two
    assert (found.gained, found.lost, found.rules) == (exactly(0), exactly(8), ())


def test_grants_that_stay_are_no_difference_and_a_forbid_over_them_is_counted(tmp_path: Path) -> None:
    counted = Counted(tmp_path)
    actions = frozenset({Action.SEARCH, Action.VIEW})
    given = Grant("g1", GranteeKind.USER, "ann", GrantTarget.STUDY, "1.2.5", actions, "op", START)
    counted.stores.directory.add_grant(SCOPE, given, EVENT)
    assert compare(counted, POLICY, POLICY + "# again\n").is_empty
    forbidding = POLICY + "  - {id: no-c, effect: forbid, when: study.department == 'C'}\n"
    found = compare(counted, POLICY, forbidding)
    assert (found.gained, found.lost) == (exactly(0), exactly(2)), "ann loses the study that was granted"
    wider = compare(counted, POLICY, WIDER)
    assert wider.gained == exactly(18), "what was granted is not gained again"


def test_a_zone_is_looked_at_for_itself_and_zones_are_not_added_up(tmp_path: Path) -> None:
    inside = POLICY + (
        "  - {id: inside, effect: permit, roles: [radiologist], "
        "when: has(study.department) && env.network == 'internal'}\n"
    )
    found = compare(Counted(tmp_path), POLICY, inside)
    assert (found.circumstances, found.gained) == (2, exactly(20))
    assert {row.context.network for row in found.actions} == {"internal"}


def test_an_attribute_that_the_index_has_not_read_is_told_as_a_span(tmp_path: Path) -> None:
    unread = (
        POLICY.replace(
            "  user.department", "  study.ward: {type: string, from: '00091010'}\n  user.department"
        )
        + "  - {id: ward, effect: permit, roles: [radiologist], when: study.ward == 'X'}\n"
    )
    found = compare(Counted(tmp_path), POLICY, unread)
    assert (found.gained, found.unread) == (Span(0, 20), ("study.ward",))


def test_own_patients_are_counted_by_the_index(tmp_path: Path) -> None:
    declared = POLICY.replace("  user.department", "  user.patients: {type: set}\n  user.department")
    own = "  - {id: own, effect: permit, roles: [radiologist], when: study.patient_id in user.patients}\n"
    counted = Counted(tmp_path)
    counted.add_user("eve", "radiologist", department="Z", patients="P1")
    found = compare(counted, declared, declared + own)
    assert found.gained == exactly(12), "all six studies are of P1, to search and to view"
    assert {row.users_gaining for row in found.actions} == {1}
    assert MAIN in {row.archive for row in found.actions}
