"""How the gate goes through a whole origin: page by page, in an order of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pacsgate.model.resource import ArchiveName
from pacsgate.upstream.dicomweb.origin import DicomWebArchive
from pacsgate.upstream.dicomweb.settings import DicomWebSettings
from tests.support.clocks import HandClock
from tests.support.objects import small_hospital
from tests.support.orthanc import running_orthanc

pytestmark = pytest.mark.server("orthanc")

HOSPITAL = small_hospital(studies=5, series=1, instances=3)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[DicomWebArchive]:
    with running_orthanc(tmp_path / "orthanc") as server:
        for item in HOSPITAL:
            server.upload(item.data)
        settings = DicomWebSettings(server.dicomweb_url)
        archive = DicomWebArchive(ArchiveName("main"), settings, tmp_path / "gate", HandClock())
        yield archive
        archive.close()


def test_the_size_of_pages_changes_nothing(archive: DicomWebArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [arrival.summary.sop_instance_uid for arrival in archive.walk(None)]
    assert sorted(whole) == sorted(item.key.sop_instance_uid or "" for item in HOSPITAL)
    for size in (1, 2, 5, 6):
        monkeypatch.setattr("pacsgate.upstream.dicomweb.listing.PAGE", size)
        assert [arrival.summary.sop_instance_uid for arrival in archive.walk(None)] == whole


def test_studies_come_in_the_order_of_their_uids_and_a_cursor_names_the_last_whole_one(
    archive: DicomWebArchive,
) -> None:
    arrivals = list(archive.walk(None))
    studies = [arrival.summary.study_instance_uid for arrival in arrivals]
    assert studies == sorted(studies)
    for number, arrival in enumerate(arrivals):
        last_of_study = number + 1 == len(arrivals) or studies[number + 1] != studies[number]
        before = [uid for uid in studies if uid < studies[number]]
        assert arrival.cursor == (studies[number] if last_of_study else (before[-1] if before else ""))
