"""The other bodies: lists, what is sent, built, made and asked of others."""

import json
from typing import Any

import pytest

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.archive_request import (
    ArchiveRequest,
    read_archive_arguments,
    read_archive_body,
    read_batch_arguments,
    read_batch_body,
)
from pacsgate.protocols.orthanc.create_body import read_new_object
from pacsgate.protocols.orthanc.job_options import JobOptions
from pacsgate.protocols.orthanc.modify_body import read_merge, read_modification, read_split
from pacsgate.protocols.orthanc.resource_lists import (
    BulkDelete,
    read_bulk_content,
    read_bulk_delete,
    read_lookup,
)
from pacsgate.protocols.orthanc.send_body import Recipient, read_send
from pacsgate.protocols.orthanc.tag_forms import TagsForm
from pacsgate.protocols.orthanc.tag_places import read_place, read_values

ONE = "6b0d4bd6-1b5bb9d6-6a2f0d54-0c1e7a0f-aa11bb22"
TWO = "7b0d4bd6-1b5bb9d6-6a2f0d54-0c1e7a0f-aa11bb22"


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    "raw",
    [
        ONE.encode(),
        f" {ONE}\n".encode(),
        f'"{ONE}"'.encode(),
        f'["{ONE}"]'.encode(),
        body(Resources=[ONE, ONE]),
    ],
)
def test_a_list_is_read_in_every_shape_that_orthanc_takes(raw: bytes) -> None:
    assert read_bulk_delete(raw).resources == (ONE,)
    assert read_send(raw, Recipient.PEER).resources == (ONE,)


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{}", b"5", body(Resources=ONE), body(Resources=[1]), body(Resources=[ONE], Other=1), b"x"],
)
def test_a_list_of_another_shape_or_of_nothing_is_refused(raw: bytes) -> None:
    with pytest.raises(RequestError):
        read_bulk_delete(raw)


def test_a_list_that_is_endless_is_refused() -> None:
    with pytest.raises(RequestError) as refusal:
        read_bulk_delete(json.dumps(["x"] * 100_001).encode())
    assert refusal.value.status == 413


def test_documents_in_bulk_are_asked_for_with_their_level_and_form() -> None:
    asked = read_bulk_content(body(Resources=[ONE], Level="Series", Metadata=False, Short=True))
    assert (asked.resources, asked.level, asked.metadata, asked.form) == (
        (ONE,),
        Level.SERIES,
        False,
        TagsForm.SHORT,
    )


@pytest.mark.parametrize("raw", [b"", b"\xff", b"a\nb", b"x" * 300])
def test_what_is_looked_up_is_one_identifier(raw: bytes) -> None:
    assert read_lookup(b"1.2.3\n") == "1.2.3"
    with pytest.raises(RequestError):
        read_lookup(raw)


def test_what_is_sent_is_made_anew_with_other_resources() -> None:
    sent = read_send(body(Resources=[ONE], Asynchronous=True, Timeout=5), Recipient.MODALITY)
    assert sent.upstream((TWO,)) == {
        "Resources": [TWO],
        "Synchronous": False,
        "Permissive": False,
        "Timeout": 5,
    }
    assert read_send(body(Resources=[ONE], Timeout=5), Recipient.COMMITMENT).upstream((TWO,)) == {
        "Resources": [TWO],
        "Timeout": 5,
    }
    assert "Permissive" not in read_send(body(Resources=[ONE]), Recipient.SERVER).upstream((TWO,))


@pytest.mark.parametrize(
    ("recipient", "field"),
    [
        (Recipient.MODALITY, "Host"),
        (Recipient.MODALITY, "CalledAet"),
        (Recipient.MODALITY, "LocalAet"),
        (Recipient.SERVER, "HttpHeaders"),
        (Recipient.COMMITMENT, "DicomInstances"),
        (Recipient.PEER, "Url"),
    ],
)
def test_a_field_that_would_change_the_recipient_or_the_sender_is_refused(
    recipient: Recipient, field: str
) -> None:
    with pytest.raises(RequestError, match=field):
        read_send(body(Resources=[ONE], **{field: "x"}), recipient)


def test_a_job_is_waited_for_unless_the_body_says_otherwise() -> None:
    assert read_archive_body(b"").job == JobOptions()
    assert read_archive_body(body(Synchronous=False)).job.asynchronous
    assert read_archive_body(body(Asynchronous=True, Priority=-3)).job == JobOptions(
        asynchronous=True, priority=-3
    )
    with pytest.raises(RequestError):
        read_archive_body(body(Synchronous=True, Asynchronous=True))


def test_an_archive_is_asked_for_alike_in_a_body_and_in_arguments() -> None:
    in_body = read_batch_body(
        body(Resources=[ONE, TWO], Transcode="1.2.840.10008.1.2", Extended=True, Filename="a b.zip")
    )
    arguments = (
        ("resources", f"{ONE},{TWO}"),
        ("transcode", "1.2.840.10008.1.2"),
        ("extended", ""),
        ("filename", "a b.zip"),
    )
    assert read_batch_arguments(arguments) == in_body
    assert read_archive_arguments(arguments[1:]).upstream((TWO,), media=True) == in_body.upstream(
        (TWO,), media=True
    )
    assert read_archive_arguments(()) == ArchiveRequest()


@pytest.mark.parametrize(
    "fields",
    [
        {"Transcode": "JPEG"},
        {"LossyQuality": 0},
        {"Extended": 1},
        {"Filename": 5},
    ],
)
def test_a_malformed_wish_for_an_archive_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        read_archive_body(body(**fields))


@pytest.mark.parametrize(
    ("proposed", "kept"),
    [
        ("P1 - CT.zip", "P1 - CT.zip"),
        ('a"; x="b', "a__ x__b"),
        ("a\r\nSet-Cookie: x", "a__Set-Cookie_ x"),
        ("../../a", "a"),
        ("J\u00f6rg^A.zip", "J_rg_A.zip"),
        ("...", None),
        ("x" * 300, "x" * 120),
    ],
)
def test_of_a_proposed_file_name_the_plain_part_is_kept(proposed: str, kept: str | None) -> None:
    assert read_archive_body(body(Filename=proposed)).file_name == kept
    assert read_archive_arguments((("filename", proposed),)).file_name == kept


def test_a_note_on_a_job_goes_with_it() -> None:
    job = read_archive_body(body(UserData={"a": 1})).job
    assert job.upstream()["UserData"] == {"a": 1}


def test_what_is_to_be_removed_may_be_said_to_be_of_one_level() -> None:
    assert read_bulk_delete(body(Resources=[ONE])) == BulkDelete((ONE,), None)
    assert read_bulk_delete(f'["{ONE}"]'.encode()) == BulkDelete((ONE,), None)
    said = BulkDelete((ONE, TWO), Level.STUDY)
    assert read_bulk_delete(body(Resources=[ONE, TWO], Level="study")) == said
    objects = [{"ID": ONE, "Level": "Study"}, {"ID": TWO, "Level": "Study"}]
    assert read_bulk_delete(body(Resources=objects)) == said
    for wrong in (
        [{"ID": ONE, "Level": "Study"}, {"ID": TWO, "Level": "Series"}],
        [{"ID": ONE}],
        [{"ID": 5, "Level": "Study"}],
        [{"ID": ONE, "Level": "Study", "Other": 1}],
        [{"ID": ONE, "Level": "Study"}, TWO],
    ):
        with pytest.raises(RequestError):
            read_bulk_delete(body(Resources=wrong))


def test_a_list_in_arguments_names_something() -> None:
    with pytest.raises(RequestError):
        read_batch_arguments((("resources", ","),))


def test_a_modification_is_read_and_made_anew() -> None:
    read = read_modification(
        body(
            Replace={"0010-0010": "DOE", "RequestAttributesSequence[0].ScheduledProcedureStepID": "1"},
            Remove=["0008,1030"],
            Keep=["StudyInstanceUID"],
            Force=True,
            KeepSource=False,
            RemovePrivateTags=True,
            PrivateCreator="ACME",
        ),
        anonymizes=False,
        bulk=False,
    )
    assert read.replace == {
        "PatientName": "DOE",
        "RequestAttributesSequence[0].ScheduledProcedureStepID": "1",
    }
    assert (read.remove, read.keep, read.force, read.keep_source) == (
        ("StudyDescription",),
        ("StudyInstanceUID",),
        True,
        False,
    )
    assert read.upstream() == {
        "Replace": dict(read.replace),
        "Remove": ["StudyDescription"],
        "Keep": ["StudyInstanceUID"],
        "Force": True,
        "KeepSource": False,
        "Synchronous": True,
        "Permissive": False,
        "RemovePrivateTags": True,
        "PrivateCreator": "ACME",
    }


def test_the_source_is_kept_by_a_modification_and_removed_by_a_merge_or_split() -> None:
    assert read_modification(b"{}", anonymizes=True, bulk=False).keep_source
    assert not read_merge(body(Resources=[ONE])).keep_source
    assert not read_split(body(Series=[ONE])).keep_source


def test_in_bulk_the_resources_are_named() -> None:
    assert read_modification(body(Resources=[ONE]), anonymizes=True, bulk=True).upstream((TWO,))[
        "Resources"
    ] == [TWO]
    with pytest.raises(RequestError):
        read_modification(b"{}", anonymizes=True, bulk=True)
    with pytest.raises(RequestError, match="Resources"):
        read_modification(body(Resources=[ONE]), anonymizes=True, bulk=False)


@pytest.mark.parametrize(
    "fields",
    [
        {"Replace": {"Nonsense": "x"}},
        {"Replace": {"PatientName": None}},
        {"Replace": {"PatientName": True}},
        {"Replace": {"PatientName": "a", "0010,0010": "b"}},
        {"Replace": {"RequestAttributesSequence": [5]}},
        {"Remove": ["PatientName[0]"]},
        {"Remove": "PatientName"},
        {"Keep": ["../x"]},
        {"PrivateCreator": "a\nb"},
        {"DicomVersion": "x"},
        {"KeepSource": "false"},
        {"Level": "Cohort"},
        {"Dicom": 1},
    ],
)
def test_a_malformed_modification_is_refused(fields: dict[str, Any]) -> None:
    for anonymizes in (False, True):
        with pytest.raises(RequestError):
            read_modification(body(**fields), anonymizes=anonymizes, bulk=False)


def test_a_merge_names_what_becomes_part_of_the_study() -> None:
    merge = read_merge(body(Resources=[ONE], KeepSource=True))
    assert merge.upstream((TWO,)) == {
        "Resources": [TWO],
        "KeepSource": True,
        "Synchronous": True,
        "Permissive": False,
    }
    with pytest.raises(RequestError):
        read_merge(b"{}")


def test_a_split_names_series_or_instances() -> None:
    split = read_split(body(Series=[ONE], Instances=[TWO], Replace={"PatientID": "P2"}))
    assert split.upstream((ONE,), ())["Instances"] == []
    assert split.upstream((ONE,), ())["Replace"] == {"PatientID": "P2"}
    with pytest.raises(RequestError):
        read_split(body(Replace={"PatientID": "P2"}))


@pytest.mark.parametrize(
    "place", ["", ".", "PatientName.", "A[0]", "PatientName[x].PatientID", "A" * 70, "a.b"]
)
def test_a_malformed_place_is_refused(place: str) -> None:
    with pytest.raises(RequestError):
        read_place(place)


def test_a_place_is_written_in_one_spelling() -> None:
    assert read_place("0040-0275[*].0040,0009") == "RequestAttributesSequence[*].ScheduledProcedureStepID"
    assert read_place("00091001") == "00091001"


def test_values_are_texts_or_items() -> None:
    assert read_values(
        {"Rows": 5, "ReferencedImageSequence": [{"ReferencedSOPInstanceUID": "1.2"}]}, "x"
    ) == {
        "Rows": "5",
        "ReferencedImageSequence": [{"ReferencedSOPInstanceUID": "1.2"}],
    }


def test_a_new_object_has_tags_and_perhaps_a_parent_and_content() -> None:
    read = read_new_object(
        body(Tags={"PatientName": "DOE"}, Parent=ONE, Content="data:image/png;base64,AA", Force=True)
    )
    assert read.parent == ONE
    assert read.upstream() == {
        "Tags": {"PatientName": "DOE"},
        "Parent": ONE,
        "Content": "data:image/png;base64,AA",
        "Force": True,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"PatientName": "DOE"},
        {"Tags": {}, "Content": ["data:,a"]},
        {"Tags": {}, "Content": "/etc/passwd"},
        {},
    ],
)
def test_a_new_object_of_another_shape_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        read_new_object(body(**fields))
