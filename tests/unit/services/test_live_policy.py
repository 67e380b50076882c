"""What is remembered for a subject is never older than the last committed change, nor than the next edge in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.identity.latest_time import LatestTime
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantScope
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from pacsgate.policy.facts import ResourceFacts
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.publish_policy import PublishPolicy
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import Stores, stores_on
from tests.support.clocks import HandClock
from tests.support.databases import sqlite_url
from tests.support.trails import ListTrail

SCOPE = TenantScope(DEFAULT_TENANT)
MAIN = ArchiveName("main")
DAWN = datetime(2026, 11, 21, 6, tzinfo=UTC)
NOON = datetime(2026, 11, 21, 12, 10, tzinfo=UTC)
STUDY = ResourceFacts({"uid": frozenset({"1.2.3"}), "patient_id": frozenset({"P1"})}, {})
OPERATOR = Actor("local:op", verified=True)
POLICY = """\
version: 1
roles:
  reader: {may: [search, view]}
rules:
  - {id: readers-read, effect: permit, roles: [reader], when: env.network == 'internal' && env.hour < 13}
"""
EVENT = AuditEvent(EventKind.OBJECT_ACCESS_CHANGED, NOON, OPERATOR)
READER = Subject(
    DEFAULT_TENANT, "rad1", assignments=(Assignment("reader", until=NOON + timedelta(minutes=5)),)
)


class Installation:
    """One database, asked by one process and changed by another."""

    def __init__(self, directory: Path) -> None:
        url = sqlite_url(directory)
        self.elsewhere: Stores = stores_on(open_database(url))
        here = stores_on(open_database(url))
        self.live = LivePolicy(here.epochs, here.revisions, here.directory, LatestTime(DAWN).at)

    def publish(self, text: str) -> None:
        stores = self.elsewhere
        PublishPolicy(stores.directory, stores.revisions, stores.outbox, ListTrail(), HandClock()).publish(
            SCOPE, {"policy.yaml": text}, OPERATOR
        )

    def bind(self, subject: Subject = READER, now: datetime = NOON, **context: str) -> Bound:
        circumstances = Context(now, "r1", **{"network": "internal", **context})
        return self.live.bind(SCOPE, subject, circumstances, MAIN)

    def allows(self, subject: Subject = READER, now: datetime = NOON, **context: str) -> bool:
        return isinstance(self.bind(subject, now, **context).decide(Action.VIEW, STUDY), Allow)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = Installation(tmp_path)
    made.publish(POLICY)
    return made


def test_the_same_subject_is_bound_once(installation: Installation) -> None:
    bound = installation.bind()
    assert installation.bind(now=NOON + timedelta(minutes=4)) is bound


def test_another_policy_holds_at_the_next_call(installation: Installation) -> None:
    assert installation.allows()
    installation.publish(POLICY + "  - {id: nobody-reads, effect: forbid}\n")
    assert not installation.allows()


def test_a_grant_holds_at_the_next_call_and_ends_when_it_expires(installation: Installation) -> None:
    late = READER.assignments[0]
    reader = replace(READER, assignments=(replace(late, until=None),))
    assert not installation.allows(reader, network="external")
    end = NOON + timedelta(minutes=3)
    grant = Grant(
        "g1", GranteeKind.USER, "rad1", GrantTarget.STUDY, "1.2.3", frozenset({Action.VIEW}), "op", NOON, end
    )
    installation.elsewhere.directory.add_grant(SCOPE, grant, EVENT)
    assert installation.allows(reader, network="external")
    assert installation.allows(reader, end - timedelta(microseconds=1), network="external")
    assert not installation.allows(reader, end, network="external")


def test_an_assignment_ends_on_time_although_nothing_was_changed(installation: Installation) -> None:
    assert installation.allows()
    assert not installation.allows(now=NOON + timedelta(minutes=5))


def test_an_hour_ends_on_time(installation: Installation) -> None:
    reader = replace(READER, assignments=(Assignment("reader"),))
    assert installation.allows(reader, NOON)
    assert not installation.allows(reader, NOON + timedelta(minutes=50))


def test_a_clock_that_was_set_back_revives_nothing(installation: Installation) -> None:
    assert installation.allows()
    assert not installation.allows(now=NOON + timedelta(minutes=5))
    assert not installation.allows()


def test_circumstances_are_not_mixed_up(installation: Installation) -> None:
    assert installation.allows()
    assert not installation.allows(network="external")
    assert installation.bind(network="external") is not installation.bind()


def test_circumstances_that_no_rule_sees_make_no_difference(installation: Installation) -> None:
    assert installation.bind(purpose="HRESCH") is installation.bind()


def test_two_subjects_of_one_name_are_not_mixed_up(installation: Installation) -> None:
    assert installation.allows()
    assert not installation.allows(replace(READER, assignments=()))
