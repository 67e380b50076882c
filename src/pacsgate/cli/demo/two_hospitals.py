"""The demo's two hospitals, `north` and `south`: the same people and patients, other studies, one gate.

North has doors beside its archive, a receptionist who admits visitors, and a radiologist who visits.

Called by `tenants_command`, and by the tests.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from pacsgate.bootstrap.installation import open_installation
from pacsgate.bootstrap.people import users as users_of
from pacsgate.cli.demo.arrival import move_in
from pacsgate.cli.demo.devices import connect
from pacsgate.cli.demo.hospital import (
    DemoPerson,
    DemoStudy,
    people,
    policy_text,
    studies,
    write_instances,
)
from pacsgate.cli.demo.study import SEED
from pacsgate.cli.demo.visibility import visible_studies
from pacsgate.cli.new_installation import POLICY_NAME, make_installation
from pacsgate.config import Settings
from pacsgate.model.built_in_roles import PACS_ADMINISTRATOR, TENANT_ADMINISTRATOR
from pacsgate.model.resource import PLATFORM_TENANT, ArchiveName, TenantName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.ports import Passwords
from pacsgate.services.administration import Change

NORTH = TenantName("north")
SOUTH = TenantName("south")
DOORS = ArchiveName("north-doors")
GOVERNOR = "admin1"
"""Who governs each of the hospitals."""
RECEPTIONIST = "desk1"
VISITOR = "vis1"
REGISTRATOR = "ops"

_ONE = "  main: {kind: folder, path: archive}\n"
_TWO = """\
  north-main: {kind: folder, path: north/archive, tenant: north}
  south-main: {kind: folder, path: south/archive, tenant: south}
tenants:
  north: {name: North Hospital, policy: north/policy}
  south: {name: South Clinic, policy: south/policy}
# Accounts of the tenant `platform` that may register more of them.
registrators: [ops]
"""
_NOBODY = "# The tenant `default`, which has neither archives nor people here.\nversion: 1\n"
_ONE_TITLE = "    PACSGATE: {archive: main}\n"
_TWO_TITLES = "    NORTH: {archive: north-main}\n    SOUTH: {archive: south-main}\n"

_RECEPTION = (
    DemoPerson(name=RECEPTIONIST, display_name="Noor Field, reception, admits visitors", roles=()),
    DemoPerson(
        name=VISITOR,
        display_name="Dr. Bo Lund, visiting radiologist",
        roles=("visiting-radiologist",),
        groups=frozenset({"visitors"}),
    ),
)


@dataclass(frozen=True, slots=True)
class DemoTenant:
    """One of the two."""

    tenant: TenantName
    name: str
    archive: ArchiveName
    title: str
    staff: tuple[DemoPerson, ...]
    studies: tuple[DemoStudy, ...]


@dataclass(frozen=True, slots=True)
class Inhabited:
    """One of the two after everybody has moved in."""

    demo: DemoTenant
    passwords: Mapping[str, str]
    visible: Mapping[str, tuple[str, ...]]


def two_tenants() -> tuple[DemoTenant, ...]:
    """North and south."""
    return (
        DemoTenant(
            NORTH, "North Hospital", ArchiveName("north-main"), "NORTH", (*people(), *_RECEPTION), studies()
        ),
        DemoTenant(
            SOUTH,
            "South Clinic",
            ArchiveName("south-main"),
            "SOUTH",
            people(),
            tuple(replace(study, seed=f"{SEED} south") for study in studies()),
        ),
    )


def make_two(directory: Path, *, port: int, dicom_port: int) -> Path:
    """Write the files of an installation for both; returns the configuration's path."""
    config = make_installation(directory, policy=_NOBODY, port=port, dicom_port=dicom_port)
    text = config.read_text("utf-8")
    config.write_text(text.replace(_ONE, _TWO).replace(_ONE_TITLE, _TWO_TITLES), "utf-8")
    for tenant in (NORTH, SOUTH):
        policy = directory / tenant / "policy"
        policy.mkdir(parents=True)
        (policy / POLICY_NAME).write_text(policy_text(), "utf-8")
    visitors = files("pacsgate.cli.demo").joinpath("visitors.yaml").read_text("utf-8")
    (directory / NORTH / "policy" / "visitors.yaml").write_text(visitors, "utf-8")
    return config


def inhabit(
    settings: Settings, demo: DemoTenant, *, progress: bool, passwords: Passwords | None = None
) -> Inhabited:
    """Let people, studies and machines of one hospital move in."""
    objects: dict[DemoStudy, Iterable[bytes]] = {study: write_instances(study) for study in demo.studies}
    chosen = move_in(
        settings, objects, progress=progress, passwords=passwords, tenant=demo.tenant, staff=demo.staff
    )
    with open_installation(settings, "demo", demo.tenant) as here:
        connect(here)
        users = users_of(here)
        change = Change(here.scope, here.actor(), here.clock.now())
        users.assign(change, GOVERNOR, Assignment(TENANT_ADMINISTRATOR))
        if RECEPTIONIST in chosen:
            users.assign(change, RECEPTIONIST, Assignment(PACS_ADMINISTRATOR, AssignmentScope(demo.archive)))
        visible = visible_studies(here, demo.studies)
    return Inhabited(demo, chosen, visible)


def appoint_registrator(settings: Settings, password: str) -> None:
    """Make the account that may register more tenants."""
    with open_installation(settings, "demo", PLATFORM_TENANT) as here:
        change = Change(here.scope, here.actor(), here.clock.now())
        users_of(here).add(
            change, REGISTRATOR, display_name="Uma Kaur, who registers tenants", password=password
        )
