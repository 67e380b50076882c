"""What Orthanc says of itself, of others and of what happened, and how much of that is told."""

from typing import Any

import pytest

from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.changes import (
    changed_resources,
    found_identifier,
    reduced_changes,
    resource_path,
)
from pacsgate.protocols.orthanc.partners import public_modality, public_server, without_credentials
from pacsgate.protocols.orthanc.statistics import archive_statistics, resource_statistics
from pacsgate.protocols.orthanc.system import public_exports, public_job, public_plugin, public_system


def change(number: int, kind: str, identifier: str, change_type: str = "NewStudy") -> dict[str, Any]:
    return {
        "Seq": number,
        "ChangeType": change_type,
        "ResourceType": kind,
        "ID": identifier,
        "Path": f"/x/{identifier}",
        "Date": "20260101T000000",
        "Extra": 1,
    }


PAGE = {
    "Changes": [
        change(1, "Study", "a"),
        change(2, "Series", "b"),
        change(3, "Study", "a"),
        change(4, "Nothing", "c"),
    ],
    "Done": False,
    "Last": 4,
}


def test_a_page_of_changes_names_only_what_may_be_searched() -> None:
    left = reduced_changes(PAGE, {"a": True})
    assert [each["Seq"] for each in left["Changes"]] == [1, 3]
    assert "Extra" not in left["Changes"][0]
    assert (left["Done"], left["Last"]) == (False, 4)


def test_each_resource_of_a_page_of_changes_is_to_be_decided_once() -> None:
    assert changed_resources(PAGE) == ((Level.STUDY, "a"), (Level.SERIES, "b"))


@pytest.mark.parametrize(
    ("level", "path"),
    [
        (Level.PATIENT, "/patients/x"),
        (Level.STUDY, "/studies/x"),
        (Level.SERIES, "/series/x"),
        (Level.INSTANCE, "/instances/x"),
    ],
)
def test_an_identifier_that_was_looked_up_has_a_path(level: Level, path: str) -> None:
    assert resource_path(level, "x") == path
    assert found_identifier(level, "x") == {"Type": level.value.capitalize(), "ID": "x", "Path": path}


def test_of_another_server_nothing_is_told_that_opens_it() -> None:
    told = public_server(
        {
            "Url": "https://user:word@pacs.example:8042/orthanc/?key=k",
            "Username": "user",
            "Password": "word",
            "HttpHeaders": {"X-Key": "k"},
            "CertificateKeyPassword": "word",
            "CertificateFile": "/etc/key",
            "Timeout": 10,
        }
    )
    assert told == {"Url": "https://pacs.example:8042/orthanc/", "Timeout": 10}


def test_a_url_without_credentials_stays_as_it_is() -> None:
    assert without_credentials("http://pacs.example/dicom-web/") == "http://pacs.example/dicom-web/"


def test_a_modality_is_where_it_is_and_what_it_may() -> None:
    told = public_modality({"AET": "CT1", "Host": "h", "Port": 104, "AllowStore": True, "Password": "x"})
    assert told == {"AET": "CT1", "Host": "h", "Port": 104, "AllowStore": True}


def test_the_system_tells_no_path_and_claims_nothing_that_the_gate_does_not_do() -> None:
    told = public_system(
        {
            "Version": "1.12.5",
            "StorageAreaPlugin": "/usr/lib/storage.so",
            "DatabaseBackendPlugin": "/usr/lib/db.so",
            "Capabilities": {"HasExtendedFind": True, "HasExtendedChanges": True},
        }
    )
    assert told == {
        "Version": "1.12.5",
        "Capabilities": {"HasExtendedFind": False, "HasExtendedChanges": False},
    }


def test_a_plugin_is_told_of_by_name() -> None:
    assert public_plugin({"ID": "dicom-web", "Version": "1.7", "Path": "/x"}) == {
        "ID": "dicom-web",
        "Version": "1.7",
    }


def test_of_another_subject_s_job_it_is_not_told_whom_it_is_about() -> None:
    job = {
        "ID": "j",
        "State": "Success",
        "Content": {"ParentResources": ["x"], "PatientID": "P1"},
        "ErrorDetails": "no such patient",
        "UserData": "mine",
    }
    assert public_job(job, own=False) == {"ID": "j", "State": "Success"}
    assert public_job(job, own=True) == {
        "ID": "j",
        "State": "Success",
        "Content": {"ParentResources": ["x"], "PatientID": "P1"},
        "ErrorDetails": "no such patient",
        "UserData": "mine",
    }


def test_the_log_of_what_was_sent_passes_field_by_field() -> None:
    page = {"Exports": [{"Seq": 1, "RemoteModality": "CT1", "Other": 1}], "Done": True, "Last": 1}
    assert public_exports(page) == {"Exports": [{"Seq": 1, "RemoteModality": "CT1"}], "Done": True, "Last": 1}


def test_sizes_are_texts_in_bytes_and_numbers_in_megabytes() -> None:
    document = archive_statistics(dict.fromkeys(Level, 2), 3 * 1024 * 1024 + 5)
    assert (document["TotalDiskSize"], document["TotalDiskSizeMB"]) == ("3145733", 3)
    assert document["CountStudies"] == document["CountPatients"] == 2
    of_one = resource_statistics({Level.INSTANCE: 4}, 10)
    assert (of_one["CountInstances"], of_one["DiskSize"], "CountSeries" in of_one) == (4, "10", False)
