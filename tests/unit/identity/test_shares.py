"""Links: whom each stands for, and when for nobody."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.shares import (
    FORGOTTEN_AFTER,
    READING,
    DeadShare,
    LiveShare,
    RandomShares,
    ShareDoor,
    ShareText,
    sweep,
)
from pacsgate.model.resource import ArchiveName, Level
from pacsgate.model.share import SharedObject
from pacsgate.model.subject import SubjectKind
from pacsgate.ports.shares import MintedShare, ShareRecord
from pacsgate.stores.database import open_database
from pacsgate.stores.shares import SqlShares
from tests.support.people import OPERATOR, SCOPE, People, open_people

OBJECTS = (SharedObject(Level.STUDY, "0" * 44, "1.2"),)
EVENT = AuditEvent(EventKind.OBJECT_ACCESS_CHANGED, datetime(2026, 1, 1, tzinfo=UTC), OPERATOR)


class Links:
    """A door, the people behind it, and one link of `orthanc`."""

    def __init__(self, directory: Path) -> None:
        self.people: People = open_people(directory)
        self.people.users.add(self.people.change(), "orthanc", password=None, kind=SubjectKind.SERVICE)
        self.store = SqlShares(open_database(f"sqlite:///{directory / 'pacsgate.sqlite'}"))
        self.minted: MintedShare = RandomShares().mint()
        self.now: datetime = self.people.clock.now()
        self.record = ShareRecord(
            self.minted.share_id,
            self.minted.secret_sha256,
            ArchiveName("main"),
            "orthanc",
            "viewer-instant-link",
            "",
            OBJECTS,
            self.now,
            self.now + timedelta(hours=1),
        )
        self.store.add_share(SCOPE, self.record, EVENT)

    def verify(self, text: str | None = None, at: datetime | None = None) -> LiveShare | DeadShare:
        door = ShareDoor(shares=self.store, directory=self.people.directory, latest=LatestTime(self.now))
        read = ShareText.parse(text or self.minted.text)
        assert read is not None
        return door.verify(SCOPE, read, at or self.now)


@pytest.fixture
def links(tmp_path: Path) -> Links:
    return Links(tmp_path)


def test_a_link_stands_for_the_account_that_minted_it_and_reads_only(links: Links) -> None:
    found = links.verify()
    assert isinstance(found, LiveShare)
    assert found.record == links.record
    assert found.subject.name == "orthanc"
    assert found.subject.token_actions == READING
    assert found.subject.credential_id == links.minted.share_id


def test_a_link_ends_on_time_and_stays_ended_when_the_clock_goes_back(links: Links) -> None:
    assert isinstance(links.verify(at=links.record.expires_at - timedelta(seconds=1)), LiveShare)
    assert links.verify(at=links.record.expires_at) is DeadShare.EXPIRED


def test_a_revoked_link_is_worth_nothing(links: Links) -> None:
    links.store.revoke_share(SCOPE, links.minted.share_id, links.now, EVENT)
    assert links.verify() is DeadShare.EXPIRED


def test_a_link_of_a_disabled_account_is_worth_nothing(links: Links) -> None:
    record = links.people.directory.user(SCOPE, "orthanc")
    assert record is not None
    links.people.directory.change_user(SCOPE, replace(record, disabled=True), EVENT)
    assert links.verify() is DeadShare.EXPIRED


def test_a_wrong_secret_and_an_unknown_link_are_the_same(links: Links) -> None:
    wrong = f"pgs_{links.minted.share_id}_{'0' * 64}"
    assert links.verify(wrong) is links.verify(f"pgs_{'0' * 16}_{'0' * 64}") is DeadShare.INVALID


@pytest.mark.parametrize(
    "text", ["", "pgs_", "pgt_" + "0" * 16 + "_" + "0" * 64, "pgs_" + "0" * 16 + "_" + "0" * 63]
)
def test_what_is_no_link_is_none(text: str) -> None:
    assert ShareText.parse(text) is None


def test_a_link_that_ended_long_ago_is_swept_away(links: Links) -> None:
    sweep(links.store, SCOPE, links.record.expires_at + FORGOTTEN_AFTER)
    assert links.store.shares(SCOPE) == (links.record,)
    sweep(links.store, SCOPE, links.record.expires_at + FORGOTTEN_AFTER + timedelta(seconds=1))
    assert links.store.shares(SCOPE) == ()
