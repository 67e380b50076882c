"""What the demo says when it is ready: who may see what, and lines to try.

Called by `command`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pacsgate.cli.demo.hospital import people, studies
from pacsgate.cli.printing import Json

_CURL_PERSON = "rad1"


@dataclass(frozen=True, slots=True)
class Hospital:
    """A demo that runs."""

    url: str
    config: Path
    passwords: Mapping[str, str]
    has_viewer: bool


def as_json(hospital: Hospital) -> Json:
    """One object for programs."""
    return {
        "url": hospital.url,
        "dicom": None,
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
    width = max(len(person.name) for person in people())
    for person in people():
        yield f"  {person.name:<{width}}  {hospital.passwords[person.name]}  {person.display_name}"
    rad1 = hospital.passwords[_CURL_PERSON]
    yield ""
    yield "Try:"
    yield f"  sign in with a browser:   {hospital.url}/"
    if hospital.has_viewer:
        yield f"  look at images (OHIF):    {hospital.url}/viewer/"
    else:
        yield "  for an image viewer:      pacsgate viewer install, then start the demo again"
    yield f"  what rad1 may see:        curl -u {_CURL_PERSON}:{rad1} {hospital.url}/dicom-web/studies"
    yield "  what nobody else may:     the same as another person, or a study that the list does not show"
    yield f"  who did what:             pacsgate audit tail -c {hospital.config}"
    yield f"  why not:                  pacsgate policy explain USER ACTION STUDY -c {hospital.config}"
    yield f"  change the rules:         edit {hospital.config.parent / 'policy.yaml'}; the next request obeys"
    yield ""
    yield "Ctrl-C ends it."
