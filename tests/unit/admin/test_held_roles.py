"""What my access says of roles is what the engine makes of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pacsgate.admin.console.answers_in_words import owners, told, why_not
from pacsgate.admin.console.held_roles import HeldRole, held_roles
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.model.strength import Strength
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.services.browse_studies import ActionAnswer
from pacsgate.services.resolve import Answer, Refusal

NOW = datetime(2026, 8, 7, 12, tzinfo=UTC)
MAIN, OTHER = ArchiveName("main"), ArchiveName("other")
POLICY = """\
version: 1
roles:
  reader: {may: [search, view], owner: chief}
  writer: {may: [search, store], owner: chief}
  auditor: {may: [], owner: compliance}
assignments:
  - {groups: [radiology], roles: [reader]}
"""


def bound(*assignments: Assignment, groups: frozenset[str] = frozenset(), **changes: object) -> Bound:
    subject = Subject(TenantName("default"), "ada", assignments=assignments, groups=groups)
    policy = load_policy({"policy.yaml": POLICY})
    return bind(policy, replace(subject, **changes), Context(NOW, "r1"), MAIN, ())


def only(held: Bound) -> HeldRole:
    (found,) = held_roles(held)
    return found


def test_a_role_by_a_group_and_one_of_the_account_say_where_they_come_from() -> None:
    found = held_roles(bound(Assignment("writer"), groups=frozenset({"radiology"})))
    assert [(each.role.name, each.given_by, each.where) for each in found] == [
        ("reader", "your group radiology", "everywhere"),
        ("writer", "your account", "everywhere"),
    ]


@pytest.mark.parametrize(
    ("assignment", "idle"),
    [
        (Assignment("reader"), ""),
        (Assignment("reader", starts=NOW + timedelta(days=1)), "not yet"),
        (Assignment("reader", until=NOW), "ended"),
        (Assignment("reader", AssignmentScope(archive=OTHER)), "in another archive"),
        (Assignment("reader", AssignmentScope(archive=MAIN)), ""),
        (Assignment("reader", AssignmentScope(collection="trial")), ""),
    ],
)
def test_a_role_counts_on_the_page_exactly_when_it_counts(assignment: Assignment, idle: str) -> None:
    held = bound(assignment)
    standing = held.standing
    counts = "reader" in standing.roles or "reader" in standing.collections_of
    assert (only(held).idle, counts) == (idle, idle == "")


def test_a_role_beyond_the_ceiling_of_a_source_does_not_count_and_says_so() -> None:
    held = bound(Assignment("reader"), source="keycloak", role_ceiling=frozenset({"writer"}))
    assert only(held).idle == "not when you sign in by keycloak"
    assert only(held).given_by == "your sign-in by keycloak"


@pytest.mark.parametrize(("days", "soon"), [(13, True), (15, False)])
def test_a_role_that_ends_soon_is_told_before_it_does(days: int, *, soon: bool) -> None:
    assert only(bound(Assignment("reader", until=NOW + timedelta(days=days)))).ends_soon is soon


def test_each_owner_is_named_once_with_the_roles_to_ask_about() -> None:
    held = bound(Assignment("reader"), Assignment("writer"), Assignment("auditor"))
    assert owners(held) == ("compliance (auditor)", "chief (reader, writer)")


def test_nobody_is_told_to_ask_themselves() -> None:
    held = bound(Assignment("reader"), Assignment("auditor"), name="chief")
    assert owners(held) == ("compliance (auditor)",)


def test_a_rules_own_sentence_comes_before_any_of_ours() -> None:
    held = bound(Assignment("reader"))
    refused = Refusal(Answer.FORBIDDEN, (Reason(ReasonCode.NO_PERMIT),), held.revision)
    assert why_not(Action.DELETE, refused, held) == "None of your roles includes it."
    assert why_not(Action.VIEW, refused, held) == "No rule and no grant that concerns you allows it."
    assert why_not(Action.VIEW, replace(refused, message="Ask the ward."), held) == "Ask the ward."


def test_what_a_stronger_proof_would_allow_says_which() -> None:
    held = bound(Assignment("reader"))
    reason = Reason(ReasonCode.STEP_UP_REQUIRED, strength=Strength(2))
    refused = ActionAnswer(Action.VIEW, Refusal(Answer.FORBIDDEN, (reason,), held.revision))
    said = told(refused, 3, held)
    assert (said.allowed, said.step_up) == (False, Strength(2))
    assert said.why == "It is allowed once you prove who you are more strongly, or again."


def test_what_is_allowed_on_a_part_of_what_one_sees_says_on_how_much() -> None:
    held = bound(Assignment("reader"))
    part, whole = (told(ActionAnswer(Action.VIEW, None, count), 3, held) for count in (2, 3))
    assert (part.allowed, part.partly, part.why) == (True, True, "On 2 of the 3 images that you see.")
    assert (whole.allowed, whole.partly, whole.why) == (True, False, "")
