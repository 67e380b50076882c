"""What the demo says when it is ready: who may see what, and lines to try.

Called by `command`.
"""

import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pacsgate.cli.demo.devices import SCANNER, WORKSTATION
from pacsgate.cli.demo.hospital import people, studies
from pacsgate.cli.new_installation import POLICY_NAME
from pacsgate.cli.printing import Json

_PERSON = "rad1"
_SEEN = "S1"
_HIDDEN = "S3"
"""A study of rad1's own department that needs a clearance she has not."""


@dataclass(frozen=True, slots=True)
class DicomDoor:
    """Where the demo speaks DIMSE."""

    host: str
    port: int
    ae_title: str


@dataclass(frozen=True, slots=True)
class Hospital:
    """A demo that runs."""

    url: str
    config: Path
    passwords: Mapping[str, str]
    visible: Mapping[str, tuple[str, ...]]
    """What each person finds, by the studies' short names."""
    dicom: DicomDoor
    has_viewer: bool


def as_json(hospital: Hospital) -> Json:
    """One object for programs."""
    return {
        "url": hospital.url,
        "dicom": {
            "host": hospital.dicom.host,
            "port": hospital.dicom.port,
            "ae_title": hospital.dicom.ae_title,
        },
        "config": str(hospital.config),
        "users": [
            {"name": person.name, "password": hospital.passwords[person.name], "roles": list(person.roles)}
            for person in people()
        ],
        "studies": [
            {
                "name": study.name,
                "study_instance_uid": study.study_instance_uid,
                "patient_id": study.patient.patient_id,
                "description": study.description,
            }
            for study in studies()
        ],
    }


def as_text(hospital: Hospital) -> Iterator[str]:
    """Lines for a person."""
    yield f"pacsgate demo: a hospital of {len(studies())} studies is open at {hospital.url}/"
    yield ""
    rows = [("name", "password", "sees", "who")]
    rows += [
        (
            person.name,
            hospital.passwords[person.name],
            shown(hospital.visible[person.name]),
            person.display_name,
        )
        for person in people()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
        yield "  " + "  ".join((*cells, row[3]))
    yield ""
    yield from _lines_to_try(hospital)
    yield ""
    yield "Ctrl-C ends it."


def _lines_to_try(hospital: Hospital) -> Iterator[str]:
    password = hospital.passwords[_PERSON]
    uids = {study.name: study.study_instance_uid for study in studies()}
    uid = uids[_HIDDEN]
    pacsgate = program()
    yield "sign in with a browser:"
    yield f"  {hospital.url}/"
    if hospital.has_viewer:
        yield "look at images with OHIF:"
        yield f"  {hospital.url}/viewer/"
    else:
        yield "get the OHIF image viewer, then start the demo again:"
        yield f"  {pacsgate} viewer install"
    yield f"search as {_PERSON}, then ask for a study that the list does not show ({_HIDDEN}):"
    yield f"  curl -u {_PERSON}:{password} {hospital.url}/dicom-web/studies"
    yield f"  curl -u {_PERSON}:{password} {hospital.url}/dicom-web/studies/{uid}/metadata"
    door = hospital.dicom
    where = f"-aec {door.ae_title} {door.host} {door.port} -k QueryRetrieveLevel=STUDY"
    yield f"search from a workstation of {_PERSON}, or from the scanner, which may only store (dcmtk):"
    for title in (WORKSTATION, SCANNER):
        yield f"  findscu -S -aet {title} {where} -k PatientName"
    yield f"fetch {_SEEN}; of {_HIDDEN}, nothing comes:"
    for name in (_SEEN, _HIDDEN):
        yield f"  getscu -v -S -od /tmp -aet {WORKSTATION} {where} -k StudyInstanceUID={uids[name]}"
    yield "see who did what, and ask why not:"
    yield f"  {pacsgate} audit tail -c {hospital.config}"
    yield f"  {pacsgate} policy explain {_PERSON} view {uid} -c {hospital.config}"
    yield "change the rules; the next request obeys:"
    yield f"  edit {hospital.config.parent / POLICY_NAME}"


def program() -> str:
    """How this very program is called from the shell that it was started in."""
    return "pacsgate" if shutil.which("pacsgate") else sys.argv[0]


def shown(names: tuple[str, ...]) -> str:
    """Short names of studies, for a person."""
    if len(names) == len(studies()):
        return "everything"
    return " ".join(names) or "no studies"
