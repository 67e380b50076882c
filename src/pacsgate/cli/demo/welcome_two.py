"""What the demo of two hospitals says when it is ready: who may do what, and a visit to play through.

Called by `running_two`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pacsgate.cli.demo.doors import ARCHIVE, CARD, CARD_FORMAT, DEPARTMENT, ROOM, VISIT
from pacsgate.cli.demo.two_hospitals import (
    DOORS,
    GOVERNOR,
    NORTH,
    RECEPTIONIST,
    REGISTRATOR,
    SOUTH,
    VISITOR,
    Inhabited,
)
from pacsgate.cli.demo.welcome import program, shown
from pacsgate.cli.printing import Json
from pacsgate.model.built_in_roles import PACS_ADMINISTRATOR, TENANT_ADMINISTRATOR
from pacsgate.model.resource import PLATFORM_TENANT


@dataclass(frozen=True, slots=True)
class TwoHospitals:
    """A demo that runs."""

    url: str
    dicom: tuple[str, int]
    config: Path
    env_file: Path
    hospitals: tuple[Inhabited, ...]
    registrator: str
    """The password of who registers tenants."""


def as_json(both: TwoHospitals) -> Json:
    """One object for programs."""
    host, port = both.dicom
    return {
        "url": both.url,
        "config": str(both.config),
        "dicom": {"host": host, "port": port},
        "registrator": {"name": f"{PLATFORM_TENANT}/{REGISTRATOR}", "password": both.registrator},
        "tenants": [_tenant(hospital) for hospital in both.hospitals],
        "doors": {
            "tenant": NORTH,
            "pacs": DOORS,
            "env_file": str(both.env_file),
            "visit": VISIT,
            "visitor": f"{NORTH}/{VISITOR}",
            "card": CARD,
        },
    }


def _tenant(hospital: Inhabited) -> Json:
    demo = hospital.demo
    return {
        "tenant": demo.tenant,
        "name": demo.name,
        "archive": demo.archive,
        "ae_title": demo.title,
        "users": [
            {
                "name": f"{demo.tenant}/{person.name}",
                "password": hospital.passwords[person.name],
                "roles": [*person.roles, *_given(person.name)],
            }
            for person in demo.staff
        ],
        "studies": [
            {
                "name": study.name,
                "study_instance_uid": study.study_instance_uid,
                "patient_id": study.patient.patient_id,
                "description": study.description,
            }
            for study in demo.studies
        ],
    }


def as_text(both: TwoHospitals) -> Iterator[str]:
    """Lines for a person."""
    yield f"pacsgate demo: two hospitals are open behind one gate, at {both.url}/"
    for hospital in both.hospitals:
        yield ""
        yield from _table(hospital)
    yield ""
    yield f"  {PLATFORM_TENANT}/{REGISTRATOR}  {both.registrator}  may register more tenants"
    yield ""
    yield from _lines_to_try(both)
    yield ""
    yield "Ctrl-C ends it, and the agent of the doors."


def _table(hospital: Inhabited) -> Iterator[str]:
    demo = hospital.demo
    yield f"{demo.name} (tenant `{demo.tenant}`, archive `{demo.archive}`, AE title {demo.title}):"
    rows = [("name", "password", "sees", "who")]
    rows += [
        (
            f"{demo.tenant}/{person.name}",
            hospital.passwords[person.name],
            shown(hospital.visible[person.name]),
            ", ".join((person.display_name, *_given(person.name))),
        )
        for person in demo.staff
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
        yield "  " + "  ".join((*cells, row[3]))


def _given(name: str) -> tuple[str, ...]:
    """The default role that somebody has besides the roles of the policy."""
    given = {
        GOVERNOR: TENANT_ADMINISTRATOR,
        RECEPTIONIST: PACS_ADMINISTRATOR,
    }
    return (given[name],) if name in given else ()


def _lines_to_try(both: TwoHospitals) -> Iterator[str]:
    north, south = both.hospitals
    pacsgate = program()
    at = f"--tenant {NORTH} -c {both.config}"
    studies = f"{both.url}/dicom-web/studies"
    uid = south.demo.studies[0].study_instance_uid
    person = north.demo.staff[0].name
    mine = f"curl -u {NORTH}/{person}:{north.passwords[person]}"
    yield "sign in with a browser, with the tenant before the name:"
    yield f"  {both.url}/"
    yield f"search as {NORTH}/{person}, then ask for a study of {SOUTH}, which does not exist for her:"
    yield f"  {mine} {studies}"
    yield f"  {mine} {studies}/{uid}/metadata"
    yield f"check {NORTH}/{VISITOR} in, who may then see {DEPARTMENT}, but not from everywhere:"
    yield f"  {pacsgate} visit check-in {VISIT} --pacs {ARCHIVE} {at}"
    yield f"  {pacsgate} visit check-in {VISIT} --pacs {DOORS} {at}"
    his = f"curl -u {NORTH}/{VISITOR}:{north.passwords[VISITOR]} {studies}"
    yield f"  {his}"
    yield "let him go through the doors into the reading room, and search again:"
    for door in ("main", ROOM):
        yield f"  {pacsgate} agent --env-file {both.env_file} swipe {door}-in {CARD_FORMAT} {CARD}"
    yield f"  {his}"
    yield "check him out; what he held is gone:"
    yield f"  {pacsgate} visit check-out {VISIT} --pacs {DOORS} {at}"
    yield f"  {pacsgate} visit check-out {VISIT} --pacs {ARCHIVE} {at}"
    yield "doors and images in one trail:"
    yield f"  {pacsgate} audit search --user {VISITOR} {at}"
