"""What somebody used of a role is never called idle, and what nobody used is."""

from dataclasses import replace

import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome
from pacsgate.model.actions import Action
from pacsgate.model.permission import Permission
from pacsgate.services.review_roles import uses
from tests.support.clocks import START
from tests.unit.policy.hospital import policy

POLICY = policy("""version: 1
roles:
  radiologist: {may: [search, view, retrieve]}
  senior: {may: [share], extends: [radiologist]}
  auditor: {permissions: [AuditRead, UserList]}
rules:
  - {id: read, effect: permit, roles: [radiologist]}
  - {id: share, effect: permit, roles: [senior], actions: [share]}
""")
VIEWED = AuditEvent(
    EventKind.INSTANCES_ACCESSED,
    START,
    Actor("ann", verified=True, roles=("radiologist",)),
    action="view",
    reasons=("permitted-by-rule:read",),
)


def used(*events: AuditEvent) -> set[tuple[str, str]]:
    return {(use.role, use.of.value) for use in uses(POLICY, events) if use.last_used is not None}


def test_without_events_everything_lies_idle() -> None:
    found = uses(POLICY, [])
    assert {(use.role, use.of) for use in found} == {
        ("radiologist", Action.SEARCH),
        ("radiologist", Action.VIEW),
        ("radiologist", Action.RETRIEVE),
        *(("senior", each) for each in (Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.SHARE)),
        ("auditor", Permission.AUDIT_READ),
        ("auditor", Permission.USER_LIST),
    }
    assert all(use.last_used is None for use in found)


def test_an_action_is_used_by_the_role_whose_rule_allowed_it() -> None:
    assert used(VIEWED) == {("radiologist", "view")}
    both = replace(VIEWED, actor=Actor("ann", verified=True, roles=("auditor", "radiologist")))
    assert used(both) == {("radiologist", "view")}


def test_a_role_that_inherits_uses_what_it_inherited() -> None:
    assert used(replace(VIEWED, actor=Actor("sue", verified=True, roles=("senior",)))) == {("senior", "view")}


def test_a_grant_is_a_use_of_every_role_that_may() -> None:
    assert used(replace(VIEWED, reasons=("permitted-by-grant:g1",))) == {("radiologist", "view")}


@pytest.mark.parametrize(
    "event",
    [
        replace(VIEWED, outcome=Outcome.SERIOUS, reasons=("no-permit",)),
        replace(VIEWED, actor=Actor("ann", verified=True, roles=("gone",))),
        replace(VIEWED, action=None),
    ],
)
def test_what_was_refused_or_of_nobodys_role_is_no_use(event: AuditEvent) -> None:
    assert used(event) == set()


def test_a_permission_is_used_by_what_needs_it() -> None:
    read = AuditEvent(EventKind.AUDIT_LOG_USED, START, Actor("comp", verified=True, roles=("auditor",)))
    assert used(read) == {("auditor", "AuditRead")}


def test_the_last_use_counts() -> None:
    later = replace(VIEWED, at=START.replace(hour=11))
    (use,) = [use for use in uses(POLICY, [later, VIEWED]) if use.last_used is not None]
    assert use.last_used == later.at
