"""T12: a name that tries to forge a line of a log or of the trail stays inside the line that tells of it."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
import requests

from pacsgate.dicom.uids import deterministic_uid
from tests.support.events import FORGERY
from tests.support.hospital import RunningHospital, running_hospital
from tests.support.objects import variant
from tests.support.small_hospital import some_studies
from tests.support.unrecorded import client, token

ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029]")
"""Characters that end a line, repaint a terminal or turn text round; line feeds are counted otherwise."""
LINE = re.compile(r"\d{4}-\d{2}-\d{2}T[0-9:.]+Z  [a-z-]+  ")


@pytest.fixture(scope="module")
def forged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHospital]:
    """A hospital in which a patient, somebody who signs in and a searcher have all tried it."""
    sent = variant(
        SpecificCharacterSet="ISO_IR 192",
        PatientName=FORGERY,
        PatientID=FORGERY,
        StudyDescription=FORGERY,
        StudyInstanceUID=deterministic_uid("forged"),
        SeriesInstanceUID=deterministic_uid("forged", "series"),
        SOPInstanceUID=deterministic_uid("forged", "object"),
    )
    directory = tmp_path_factory.mktemp("forged") / "gate"
    with running_hospital(directory, workers=1, made=some_studies("S1")) as hospital:
        chief, scanner = (client(token(hospital, person)) for person in ("chief1", "CT1"))
        root, study = hospital.dicomweb, f"/studies/{sent.key.study_instance_uid}"
        headers = {"Content-Type": "application/dicom"}
        assert scanner.post(f"{root}/studies", data=sent.data, headers=headers, timeout=30).status_code == 200
        for path in ("", "/metadata", "/thumbnail"):
            assert chief.get(root + study + path, timeout=30).status_code == 200
        assert chief.get(f"{root}/studies", params={"PatientName": "DOE*"}, timeout=30).status_code == 200
        assert chief.get(f"{root}/studies", params={"PatientName": FORGERY}, timeout=30).status_code == 400
        signing_in = requests.get(f"{root}/studies", auth=(FORGERY.encode(), b"x"), timeout=30)
        assert signing_in.status_code == 401
        yield hospital


def records(hospital: RunningHospital, *command: str) -> str:
    printed = hospital.cli("audit", *command)
    assert printed.returncode == 0, printed.stderr
    assert not ACTING.search(printed.stdout), command
    return printed.stdout


def test_every_line_for_people_is_one_record(forged: RunningHospital) -> None:
    for command in (("tail", "-n", "1000"), ("search",), ("search", "--kind", "instances-stored")):
        lines = records(forged, *command).splitlines()
        assert lines
        assert all(LINE.match(line) for line in lines)
    assert "\\u000a<85>1" in records(forged, "search", "--kind", "instances-stored")


def test_every_line_for_programs_is_one_record(forged: RunningHospital) -> None:
    for command in (("tail", "-n", "1000", "--json"), ("export", "--format", "json")):
        told = [json.loads(line) for line in records(forged, *command).splitlines()]
        assert any(FORGERY in record.values() for record in told)


def test_every_audit_message_is_one_document(forged: RunningHospital) -> None:
    lines = records(forged, "export", "--format", "dicom-xml").splitlines()
    messages = [ET.fromstring(line) for line in lines]  # noqa: S314 - our own, and that is the question
    assert {message.tag for message in messages} == {"AuditMessage"}
    values = [
        value for message in messages for element in message.iter() for value in element.attrib.values()
    ]
    assert any("<85>1" in value for value in values)


def test_the_log_has_no_line_that_the_gate_did_not_write(forged: RunningHospital) -> None:
    log = forged.log.read_text("utf-8")
    assert not ACTING.search(log)
    assert "<85>" not in log
    for line in log.splitlines():
        assert line.startswith(("{", "pacsgate serves ")), line
