"""Summaries of real files, and refusals of everything that is not a whole object."""

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset

from pacsgate.dicom import reading
from pacsgate.dicom.attributes import COMPUTED_KEYWORDS, KEPT_KEYWORDS, tag_of
from pacsgate.dicom.file_meta import head_size, read_part10_head
from pacsgate.dicom.json_model import INLINE_LIMIT, to_json
from pacsgate.dicom.json_reading import read_json
from pacsgate.dicom.reading import read_object
from pacsgate.dicom.summarise import read_summary, read_summary_of_data_set, summarise, summarise_json
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.upstream.part10_header import read_header
from tests.unit.dicom.real_files import every_file, file_named, readable_files


@pytest.mark.parametrize("path", every_file(), ids=lambda path: path.name)
def test_every_shipped_file_is_summarised_or_refused_with_a_sentence(path: Path) -> None:
    if path not in readable_files():
        with pytest.raises(RequestError) as refused:
            read_summary(path.read_bytes())
        assert refused.value.status == 400
        return
    summary = read_summary(path.read_bytes())
    assert summary.header["0020000D"]["Value"] == [summary.study_instance_uid]
    assert msgspec.json.decode(msgspec.json.encode(summary.header)) == summary.header


def test_most_shipped_files_are_objects() -> None:
    assert len(readable_files()) > 120


def test_bytes_and_an_open_file_give_the_same_summary() -> None:
    path = file_named("MR_small.dcm")
    with path.open("rb") as opened:
        assert read_summary(opened) == read_summary(path.read_bytes())


def test_a_data_set_alone_gives_the_summary_of_its_file() -> None:
    compared = 0
    for path in readable_files():
        content = path.read_bytes()
        with suppress(RequestError):  # heads that lack something: the gate's own never do
            head = read_part10_head(content[: head_size(content)])
            source = io.BytesIO(content)
            source.seek(head.data_set_offset)
            alone = read_summary_of_data_set(source, head.transfer_syntax_uid)
            assert alone == read_summary(content), path.name
            compared += 1
    assert compared > 100


@pytest.mark.parametrize("group", [0x0000, 0x0002])
def test_a_data_set_that_begins_like_a_head_is_refused(group: int) -> None:
    """A second transfer syntax would be the one that the next reader believes."""
    content = file_named("MR_small.dcm").read_bytes()
    head = read_part10_head(content[: head_size(content)])
    more = struct.pack("<HH2sH", group, 0x0010, b"UI", 18) + b"1.2.840.10008.1.2\0"
    with pytest.raises(RequestError, match="a command or of a file's head"):
        read_summary_of_data_set(io.BytesIO(more + content[head.data_set_offset :]), head.transfer_syntax_uid)


@given(st.data())
def test_a_damaged_data_set_is_refused_alone_as_in_its_file(data: st.DataObject) -> None:
    """Cut off, with bytes changed, or with a piece that is there twice."""
    content = bytearray(
        file_named(
            data.draw(st.sampled_from(["MR_small.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm"]))
        ).read_bytes()
    )
    head = read_part10_head(bytes(content[: head_size(bytes(content))]))
    start = head.data_set_offset
    place = data.draw(st.integers(start, min(len(content), start + 1500)))
    match data.draw(st.sampled_from(["cut", "change", "double"])):
        case "cut":
            del content[data.draw(st.integers(start, len(content))) :]
        case "change":
            content[place : place + 1] = data.draw(st.binary(min_size=1, max_size=4))
        case _:
            content[place:place] = content[start:place]
    source = io.BytesIO(content)
    source.seek(start)
    assert _outcome(lambda: read_summary_of_data_set(source, head.transfer_syntax_uid)) == _outcome(
        lambda: read_summary(bytes(content))
    )


def _outcome(read: Callable[[], InstanceSummary]) -> InstanceSummary | int:
    try:
        return read()
    except RequestError as refused:
        return refused.status


def test_metadata_that_an_origin_sends_gives_the_same_summary_as_the_object() -> None:
    for path in readable_files():
        dataset = read_object(path.read_bytes())
        metadata = read_json(msgspec.json.decode(msgspec.json.encode(to_json(dataset, "/".join))))
        assert summarise_json(metadata, str(dataset.file_meta.TransferSyntaxUID)) == summarise(dataset)


def test_a_header_holds_no_bulk_data_at_any_depth() -> None:
    def check(header: dict) -> None:
        for element in header.values():
            assert "BulkDataURI" not in element
            assert len(element.get("InlineBinary", "")) <= 4 * (INLINE_LIMIT // 3 + 1)
            if element["vr"] == "SQ":
                for item in element.get("Value", []):
                    check(item)

    for path in readable_files():
        check(read_summary(path.read_bytes()).header)


def test_what_a_header_leaves_out_is_named_whether_it_was_read_or_not() -> None:
    for path in readable_files():
        of_bytes, of_all = read_summary(path.read_bytes()), summarise(read_object(path.read_bytes()))
        of_file = summarise(read_header(path))
        assert of_file.bulk == of_all.bulk
        assert of_bytes.bulk == {tag for tag in of_all.bulk if tag <= "7FE00010"}
        assert of_bytes.bulk.isdisjoint(of_bytes.header)
    assert "7FE00010" in read_summary(file_named("CT_small.dcm").read_bytes()).bulk


def test_each_level_keeps_its_own_attributes_and_no_computed_ones() -> None:
    summary = read_summary(file_named("CT_small.dcm").read_bytes())
    for level, part in (
        (Level.STUDY, summary.study),
        (Level.SERIES, summary.series),
        (Level.INSTANCE, summary.instance),
    ):
        assert part.keys() <= {tag_of(keyword) for keyword in KEPT_KEYWORDS[level] - COMPUTED_KEYWORDS}
    assert summary.study["00100020"]["Value"] == ["1CT1"]
    assert summary.series["00080060"]["Value"] == ["CT"]
    assert summary.instance["00280010"]["Value"] == [128]


def minimal(**attributes: str) -> Dataset:
    dataset = Dataset()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    dataset.SOPInstanceUID, dataset.SOPClassUID = "1.2.3.4.5", "1.2.840.10008.5.1.4.1.1.7"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    return dataset


def written(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"]
)
def test_an_object_without_one_of_its_identifiers_is_refused_by_name(keyword: str) -> None:
    dataset = minimal()
    delattr(dataset, keyword)
    with pytest.raises(RequestError, match=keyword):
        summarise(dataset)


@pytest.mark.parametrize("uid", ["1..2", "../..", "1.2/3", "a.b", "1." * 40 + "1", "1.2\\1.3"])
def test_an_object_with_an_identifier_that_could_be_read_as_something_else_is_refused(uid: str) -> None:
    metadata = to_json(minimal()) | {"0020000D": {"vr": "UI", "Value": uid.split("\\")}}
    with pytest.raises(RequestError, match="StudyInstanceUID"):
        summarise_json(metadata, "")


def test_a_missing_patient_id_is_an_empty_string() -> None:
    summary = summarise(minimal())
    assert (summary.patient_id, summary.issuer_of_patient_id, summary.number_of_frames) == ("", "", 1)


def test_an_error_never_repeats_patient_data() -> None:
    dataset = minimal(PatientName="CANARY^NAME")
    dataset.SOPInstanceUID = ""
    with pytest.raises(RequestError) as refused:
        summarise(dataset)
    assert "CANARY" not in f"{refused.value.public}{refused.value.detail}"


@pytest.mark.parametrize("data", [b"", b"DICM", b"\0" * 132, b"\0" * 128 + b"DICM", b"%PDF-1.7 " * 100])
def test_what_is_not_dicom_is_refused(data: bytes) -> None:
    with pytest.raises(RequestError):
        read_summary(data)


_CT = file_named("CT_small.dcm").read_bytes()
_REPORT = file_named("reportsi.dcm").read_bytes()


@given(data=st.data(), whole=st.sampled_from([_CT[:6000], _REPORT]))
def test_damaged_bytes_are_summarised_or_refused_and_nothing_else(data: st.DataObject, whole: bytes) -> None:
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(128, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(RequestError):
        read_summary(bytes(damaged[: data.draw(st.integers(132, len(whole)))]))


def test_a_deflate_bomb_is_refused_before_it_is_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = minimal()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    dataset.add_new(0x00420011, "OB", b"\0" * 4_000_000)
    bomb = written(dataset)
    assert len(bomb) < 10_000
    assert read_summary(bomb).sop_instance_uid == "1.2.3.4.5"
    monkeypatch.setattr(reading, "MAX_INFLATED_BYTES", 1_000_000)
    monkeypatch.setattr(zlib, "decompress", lambda *_: pytest.fail("inflated in one go"))
    with pytest.raises(RequestError) as refused:
        read_summary(bomb)
    assert refused.value.status == 413


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SOPInstanceUID", "PatientID"])
def test_an_object_that_names_itself_twice_is_refused(keyword: str) -> None:
    """pydicom takes the second of two elements, dcmtk (and Orthanc) the first: it would be two objects."""
    whole = file_named("CT_small.dcm").read_bytes()
    dataset = read_object(whole)
    element = encoded(dataset[keyword].tag, dataset[keyword].VR, str(dataset[keyword].value))
    assert whole.count(element) == 1
    other = encoded(dataset[keyword].tag, dataset[keyword].VR, "1.2.3.4")
    read_summary(whole.replace(element, other))
    for twice in (other + element, element + other):
        with pytest.raises(RequestError, match="twice"):
            read_summary(whole.replace(element, twice))


def test_a_data_set_does_not_go_on_with_the_file_meta_information() -> None:
    """What a C-STORE sends is put behind a head of the gate's own, which it must not contradict."""
    whole = file_named("CT_small.dcm").read_bytes()
    start = read_part10_head(whole).data_set_offset
    syntax = encoded(0x00020010, "UI", "1.2.840.10008.1.2")
    with pytest.raises(RequestError, match="twice"):
        read_summary(whole[:start] + syntax + whole[start:])


def encoded(tag: int, vr: str, value: str) -> bytes:
    """One short element in Explicit VR Little Endian."""
    padding = "\0" if vr == "UI" else " "
    body = (value + padding * (len(value) % 2)).encode("ascii")
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode("ascii"), len(body)) + body
