"""How long a link lives, and what it covers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pacsgate.identity.shares import RandomShares
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.resource import ArchiveName, Level, ResourceKey
from pacsgate.model.share import SharedObject
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.protocols.orthanc_plugin.purposes import Purpose
from pacsgate.protocols.orthanc_plugin.requests import LinkRequest
from pacsgate.services.share_objects import IssuedShare, LinkLimits, ShareObjects, covers, uid_of
from pacsgate.stores.database import open_database
from pacsgate.stores.shares import SqlShares
from tests.support.people import SCOPE, People, open_people

MAIN = ArchiveName("main")
WEEK = LinkLimits(tuple(Purpose), timedelta(days=7))
OBJECTS = (SharedObject(Level.SERIES, orthanc_id("P", "1.2", "1.2.1"), "1.2.1"),)


class Desk:
    """Issues links at one moment."""

    def __init__(self, directory: Path) -> None:
        self.people: People = open_people(directory)
        store = SqlShares(open_database(f"sqlite:///{directory / 'pacsgate.sqlite'}"))
        self.links = ShareObjects(store, RandomShares(), self.people.office.publish)

    def issue(
        self,
        purpose: str = "stone-viewer-publication",
        until: datetime | None = None,
        seconds: int | None = None,
        limits: LinkLimits = WEEK,
    ) -> IssuedShare:
        asked = LinkRequest(purpose, (), "a label\n", until, seconds, None)
        return self.links.issue(self.people.change(), "orthanc", MAIN, asked, OBJECTS, limits)

    def lasts(self, **wishes: object) -> timedelta:
        record = self.issue(**wishes).record  # type: ignore[arg-type] - whatever `issue` takes
        return record.expires_at - record.created_at


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_link_lasts_as_long_as_was_asked_for_within_what_is_allowed(desk: Desk) -> None:
    now = desk.people.clock.now()
    assert desk.lasts(seconds=60) == timedelta(seconds=60)
    assert desk.lasts(until=now + timedelta(days=1), seconds=60) == timedelta(days=1)
    assert desk.lasts(until=now + timedelta(days=400)) == timedelta(days=7)
    assert desk.lasts(seconds=400 * 86400) == timedelta(days=7)


@pytest.mark.parametrize("garbage", [None, 0, -1, 2**31, 2**63, -(2**63)])
def test_no_duration_and_what_is_none_are_as_long_as_is_allowed(desk: Desk, garbage: int | None) -> None:
    assert desk.lasts(seconds=garbage) == timedelta(days=7)


def test_an_instant_link_lasts_an_hour_at_most(desk: Desk) -> None:
    assert desk.lasts(purpose="viewer-instant-link") == timedelta(hours=1)
    assert desk.lasts(purpose="download-instant-link", seconds=200) == timedelta(seconds=200)


def test_a_link_is_not_minted_for_the_past_or_for_a_purpose_that_is_not_allowed(desk: Desk) -> None:
    with pytest.raises(RequestError):
        desk.issue(until=datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(RequestError):
        desk.issue(limits=LinkLimits((Purpose.OHIF_VIEWER,), timedelta(days=7)))


def test_links_are_on_record_without_their_secret(desk: Desk) -> None:
    issued = desk.issue()
    desk.links.revoke(desk.people.change(), issued.record.share_id)
    written = [event.details["change"] for event in desk.people.trail.events]
    assert written[-2:] == ["link issued", "link revoked"]
    assert issued.text not in str(desk.people.trail.events)
    assert issued.record.label == "a label"


def test_a_link_is_revoked_once(desk: Desk) -> None:
    issued = desk.issue()
    desk.links.revoke(desk.people.change(), issued.record.share_id)
    with pytest.raises(ConflictError):
        desk.links.revoke(desk.people.change(), issued.record.share_id)
    with pytest.raises(NotFoundError):
        desk.links.revoke(desk.people.change(), "0" * 16)
    (listed,) = desk.links.shares(SCOPE)
    assert listed.revoked_at is not None


def test_a_link_covers_what_it_names_and_what_is_in_it(desk: Desk) -> None:
    record = desk.issue().record
    series = ResourceKey("1.2", "1.2.1", patient_id="P")
    assert covers(record, Level.SERIES, series)
    assert covers(record, Level.INSTANCE, ResourceKey("1.2", "1.2.1", "1.2.1.1", "P"))
    assert not covers(record, Level.STUDY, ResourceKey("1.2", patient_id="P"))
    assert not covers(record, Level.SERIES, ResourceKey("1.2", "1.2.2", patient_id="P"))
    assert not covers(record, Level.SERIES, ResourceKey("1.2", "1.2.1", patient_id="Q"))
    assert not covers(record, Level.SERIES, ResourceKey("1.2", "1.2.1"))
    assert not covers(record, Level.PATIENT, series)


def test_an_object_is_named_by_the_uid_of_its_level() -> None:
    key = ResourceKey("1.2", "1.2.1", "1.2.1.1", "P")
    assert [uid_of(key, level) for level in Level] == [None, "1.2", "1.2.1", "1.2.1.1"]
