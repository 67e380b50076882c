"""What every `Archive` promises, asked of the embedded one and of a real Orthanc by DICOMweb and by REST."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.ports import Archive, Capability, StoreOutcome
from pacsgate.upstream.dicomweb.origin import DicomWebArchive
from pacsgate.upstream.dicomweb.settings import DicomWebSettings
from pacsgate.upstream.dimse.archive import DimseArchive
from pacsgate.upstream.folder.archive import FolderArchive
from pacsgate.upstream.http.settings import BasicCredentials, OriginSettings
from pacsgate.upstream.orthanc.archive import OrthancArchive
from tests.support.clocks import HandClock
from tests.support.dcmqrscp import Dcmqrscp, running_dcmqrscp
from tests.support.objects import SHIPPED, Part10, shipped, small_hospital, values_of, variant
from tests.support.orthanc import Orthanc, running_orthanc

NAME = ArchiveName("main")
NOBODY = "2.25.1"
KINDS = (
    "folder",
    pytest.param("dicomweb", marks=pytest.mark.server("orthanc")),
    pytest.param("orthanc", marks=pytest.mark.server("orthanc")),
    pytest.param("dimse", marks=pytest.mark.server("dcmtk")),
)
UNLIMITED = 1 << 30

AnyArchive = FolderArchive | DicomWebArchive | OrthancArchive | DimseArchive


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("orthanc"), credentials=("gate", "s3cret")) as server:
        yield server


@pytest.fixture(scope="module")
def dcmqrscp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dcmqrscp]:
    with running_dcmqrscp(tmp_path_factory.mktemp("dcmqrscp")) as server:
        yield server


@pytest.fixture(params=KINDS)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyArchive]:
    made: AnyArchive
    if request.param == "folder":
        made = FolderArchive(NAME, tmp_path / "archive")
    elif request.param == "dimse":
        peer_server: Dcmqrscp = request.getfixturevalue("dcmqrscp")
        peer_server.clear()
        made = DimseArchive(NAME, peer_server.settings(), tmp_path / "gate")
    else:
        server: Orthanc = request.getfixturevalue("orthanc")
        server.clear()
        credentials, directory, clock = BasicCredentials("gate", "s3cret"), tmp_path / "gate", HandClock()
        if request.param == "dicomweb":
            settings = DicomWebSettings(server.dicomweb_url, credentials)
            made = DicomWebArchive(NAME, settings, directory, clock)
        else:
            made = OrthancArchive(NAME, OriginSettings(server.url, credentials), directory, clock)
    yield made
    made.close()


def put(archive: AnyArchive, item: Part10) -> StoreOutcome:
    with archive.spool.begin(UNLIMITED) as incoming:
        incoming.write(item.data)
        spooled = incoming.finish()
        return archive.store(item.key, spooled.path, spooled.digest)


def read(archive: Archive, key: ResourceKey) -> bytes:
    return b"".join(archive.open(key).chunks())


def kept(archive: Archive, data: bytes) -> bytes | dict[int, Any]:
    """What an archive keeps of a file; dcmtk writes its data set anew."""
    return values_of(data) if isinstance(archive, DimseArchive) else data


def every_key(archive: Archive) -> set[ResourceKey]:
    return {
        ResourceKey(found.study_instance_uid, found.series_instance_uid, found.sop_instance_uid)
        for found in (arrival.summary for arrival in archive.walk(None))
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_what_was_stored_comes_back_byte_for_byte_from_thread_and_loop(
    archive: AnyArchive, name: str
) -> None:
    item = shipped(name)
    assert put(archive, item) is StoreOutcome.STORED
    assert kept(archive, read(archive, item.key)) == kept(archive, item.data)

    async def streamed() -> bytes:
        async with aclosing(archive.open(item.key).stream()) as stream:  # type: ignore[type-var]
            return b"".join([chunk async for chunk in stream])

    assert kept(archive, asyncio.run(streamed())) == kept(archive, item.data)


def test_the_same_object_again_is_already_there_and_stored_once(archive: AnyArchive) -> None:
    item = shipped("CT_small.dcm")
    assert put(archive, item) is StoreOutcome.STORED
    assert put(archive, item) is StoreOutcome.ALREADY_THERE
    assert every_key(archive) == {item.key}
    assert len(list(archive.walk(None))) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"PatientName": "Somebody^Else"},
        {"PatientID": "somebody-else"},
        {"SeriesInstanceUID": "2.25.77"},
        {"StudyInstanceUID": "2.25.78", "SeriesInstanceUID": "2.25.79"},
    ],
    ids=["other bytes", "other patient", "other series", "other study"],
)
def test_a_taken_sop_instance_uid_is_never_overwritten(archive: AnyArchive, change: dict[str, str]) -> None:
    first, second = variant(), variant(**change)
    assert put(archive, first) is StoreOutcome.STORED
    assert put(archive, second) is StoreOutcome.CONFLICT
    assert kept(archive, read(archive, first.key)) == kept(archive, first.data)
    assert archive.existing(first.key.sop_instance_uid or "") == first.key
    assert every_key(archive) == {first.key}


def test_of_many_at_once_with_one_uid_one_is_stored_and_it_is_the_one_that_was_told_so(
    archive: AnyArchive,
) -> None:
    rivals = [variant(PatientComments=f"rival {n}") for n in range(8)]
    with ThreadPoolExecutor(len(rivals)) as pool:
        outcomes = list(pool.map(lambda rival: put(archive, rival), rivals))
    assert sorted(outcomes) == sorted([StoreOutcome.STORED] + [StoreOutcome.CONFLICT] * (len(rivals) - 1))
    winner = rivals[outcomes.index(StoreOutcome.STORED)]
    assert kept(archive, read(archive, winner.key)) == kept(archive, winner.data)


def test_what_is_not_there_is_404_in_every_way_of_asking(archive: AnyArchive) -> None:
    item = shipped("CT_small.dcm")
    put(archive, item)
    study, series = item.key.study_instance_uid, item.key.series_instance_uid
    for missing in (
        ResourceKey(NOBODY, NOBODY, NOBODY),
        ResourceKey(study, series, NOBODY),
        ResourceKey(study, NOBODY, item.key.sop_instance_uid),
        ResourceKey(NOBODY, series, item.key.sop_instance_uid),
        ResourceKey("../..", series, item.key.sop_instance_uid),
    ):
        for ask in (read, Archive.dataset, lambda archive, key: list(archive.headers(key))):
            call = ask if ask is not Archive.dataset else type(archive).dataset
            with pytest.raises(RequestError) as refused:
                call(archive, missing)
            assert refused.value.status == 404
    with pytest.raises(RequestError):
        list(archive.headers(ResourceKey(study, NOBODY)))
    assert list(archive.study(NOBODY)) == []
    assert archive.existing(NOBODY) is None


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_RLE.dcm"])
def test_headers_have_every_element_of_the_object_and_no_bulk(archive: AnyArchive, name: str) -> None:
    item = shipped(name)
    put(archive, item)
    whole = archive.dataset(item.key)
    (of_instance,) = archive.headers(item.key)
    (of_series,) = archive.headers(ResourceKey(item.key.study_instance_uid, item.key.series_instance_uid))
    for header in (of_instance, of_series):
        assert set(header.keys()) == set(whole.keys())
        assert not header.PixelData
        for keyword in ("PatientName", "StudyDate", "PixelSpacing", "Rows", "ImageType"):
            assert header[keyword].value == whole[keyword].value


def test_a_data_set_has_its_pixels(archive: AnyArchive) -> None:
    item = shipped("MR_small.dcm")
    put(archive, item)
    dataset = archive.dataset(item.key)
    assert dataset.pixel_array.shape == (64, 64)
    assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


def test_a_file_at_hand_is_the_object(archive: AnyArchive) -> None:
    original = shipped("CT_small.dcm")
    put(archive, original)
    file = archive.file(original.key)
    if file is not None:
        with file:
            assert kept(archive, file.read()) == kept(archive, original.data)


def test_a_walk_finds_everything_and_can_be_taken_up_after_any_object(archive: AnyArchive) -> None:
    hospital = small_hospital()
    for item in hospital:
        put(archive, item)
    arrivals = list(archive.walk(None))
    found = [arrival.summary.sop_instance_uid for arrival in arrivals]
    assert sorted(found) == sorted(item.key.sop_instance_uid or "" for item in hospital)
    for position, arrival in enumerate(arrivals):
        rest = [later.summary.sop_instance_uid for later in archive.walk(arrival.cursor)]
        assert set(found[: position + 1]) | set(rest) == set(found), "something was skipped"
        assert rest == found[len(found) - len(rest) :], "the order changed"
    assert list(archive.walk(arrivals[-1].cursor)) == []


def test_a_study_is_what_a_walk_finds_of_it(archive: AnyArchive) -> None:
    hospital = small_hospital()
    for item in hospital:
        put(archive, item)
    for study in {item.key.study_instance_uid for item in hospital}:
        walked = [a.summary for a in archive.walk(None) if a.summary.study_instance_uid == study]
        assert [arrival.summary for arrival in archive.study(study)] == walked
        assert len(walked) == 4


def test_all_archives_summarise_an_object_alike(archive: AnyArchive) -> None:
    item = shipped("CT_small.dcm")
    put(archive, item)
    (arrival,) = archive.walk(None)
    summary = arrival.summary
    assert summary.patient_id == "1CT1"
    assert summary.sop_class_uid == "1.2.840.10008.5.1.4.1.1.2"
    assert summary.series["00080060"]["Value"] == ["CT"]
    assert summary.study["00100010"]["Value"] == [{"Alphabetic": "CompressedSamples^CT1"}]
    assert "7FE00010" not in summary.header


def test_names_in_any_script_are_read_as_they_were_written(archive: AnyArchive) -> None:
    name = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    put(archive, variant(SpecificCharacterSet="ISO_IR 192", PatientName=name))
    (arrival,) = archive.walk(None)
    groups = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=True))
    assert arrival.summary.study["00100010"]["Value"] == [groups]


def test_a_removal_removes_all_below_and_nothing_beside_or_says_that_it_cannot(archive: AnyArchive) -> None:
    hospital = small_hospital()
    for item in hospital:
        put(archive, item)
    one = hospital[0].key
    levels = (
        one,
        ResourceKey(one.study_instance_uid, one.series_instance_uid),
        ResourceKey(one.study_instance_uid),
    )
    left = {item.key for item in hospital}
    for key in levels:
        if Capability.DELETE not in archive.capabilities:
            with pytest.raises(RequestError) as refused:
                archive.delete(key)
            assert refused.value.status == 501
        else:
            archive.delete(key)
            left = {other for other in left if not str(f"{other}/").startswith(f"{key}/")}
            with pytest.raises(RequestError):
                archive.delete(key)
        assert every_key(archive) == left


def test_a_spooled_file_that_nobody_took_is_gone(archive: AnyArchive) -> None:
    with archive.spool.begin(UNLIMITED) as incoming:
        incoming.write(b"half an object")
    assert {path.name for path in archive.spool.workspace.iterdir()} == {"lock"}
