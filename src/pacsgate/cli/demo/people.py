"""Who works at the demo's hospital, and what the hospital knows about them.

Roles come to people in two ways, as they do in life: most through a group, which the policy file turns into
roles; some by an assignment of their own, which the directory keeps and which may end.

Called by the `demo` command, which makes accounts of these people with passwords of its own.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pacsgate.model.role import Assignment
from pacsgate.model.subject import Attributes, SubjectKind


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One account.  `roles` are all the roles held, `lasting` limits those that no group brings."""

    name: str
    display_name: str
    roles: tuple[str, ...]
    groups: frozenset[str] = frozenset()
    attributes: Attributes = field(default_factory=dict)
    kind: SubjectKind = SubjectKind.USER
    lasting: timedelta | None = None

    def assignments(self, now: datetime) -> tuple[Assignment, ...]:
        """Returns the assignments that the directory must hold: none where groups bring the roles."""
        if self.lasting is None:
            return ()
        return tuple(Assignment(role=role, starts=now, until=now + self.lasting) for role in self.roles)


_PEOPLE = (
    DemoPerson(
        name="rad1",
        display_name="Dr. Ada Reis, radiologist of CT-A",
        roles=("radiologist",),
        groups=frozenset({"radiology"}),
        attributes={"departments": frozenset({"CT-A"}), "clearance": frozenset({2})},
    ),
    DemoPerson(
        name="rad2",
        display_name="Dr. Ben Okafor, radiologist of MR-B",
        roles=("radiologist",),
        groups=frozenset({"radiology"}),
        attributes={"departments": frozenset({"MR-B"}), "clearance": frozenset({2})},
    ),
    DemoPerson(
        name="rad3",
        display_name="Dr. Chiara Rossi, radiologist of US-C",
        roles=("radiologist",),
        groups=frozenset({"radiology"}),
        attributes={"departments": frozenset({"US-C"}), "clearance": frozenset({1})},
    ),
    DemoPerson(
        name="chief1",
        display_name="Prof. Dana Lindqvist, head of radiology",
        roles=("chief-radiologist", "exporter"),
        groups=frozenset({"heads", "disc-desk"}),
        attributes={"clearance": frozenset({3})},
    ),
    DemoPerson(
        name="tech1",
        display_name="Emil Novak, technologist at the scanner CT1",
        roles=("technologist",),
        groups=frozenset({"technologists"}),
        attributes={"station": frozenset({"CT1"})},
    ),
    DemoPerson(
        name="ref1",
        display_name="Dr. One Ref, family doctor",
        roles=("referring-physician",),
        groups=frozenset({"referrers"}),
        attributes={"npi": frozenset({"111"}), "referrer_name": frozenset({"REF^ONE"})},
    ),
    DemoPerson(
        name="clerk1",
        display_name="Fay Mensah, scheduling",
        roles=("scheduling-clerk",),
        groups=frozenset({"front-desk"}),
    ),
    DemoPerson(
        name="stud1",
        display_name="Gil Tanaka, medical student",
        roles=("medical-student",),
        groups=frozenset({"students"}),
    ),
    DemoPerson(
        name="res1",
        display_name="Dr. Hana Weiss, researcher",
        roles=("researcher",),
        groups=frozenset({"research"}),
        attributes={"purposes": frozenset({"HRESCH"})},
    ),
    DemoPerson(
        name="ext1",
        display_name="Dr. Ivo Marin, teleradiologist, for two hours",
        roles=("teleradiologist",),
        lasting=timedelta(hours=2),
    ),
    DemoPerson(
        name="admin1",
        display_name="Jo Larsen, PACS administrator",
        roles=("system-administrator",),
        groups=frozenset({"administrators"}),
    ),
    DemoPerson(
        name="admin2",
        display_name="Kim Adeyemi, PACS administrator",
        roles=("system-administrator",),
        groups=frozenset({"administrators"}),
    ),
    DemoPerson(
        name="comp1",
        display_name="Lea Duarte, compliance officer",
        roles=("compliance-officer",),
        groups=frozenset({"compliance"}),
    ),
    DemoPerson(
        name="mgr1",
        display_name="Mats Virtanen, who leads rad1 and rad2",
        roles=("manager",),
        groups=frozenset({"managers"}),
        attributes={"manages": frozenset({"rad1", "rad2"})},
    ),
    DemoPerson(
        name="CT1",
        display_name="The scanner CT1",
        roles=("store-only-device",),
        groups=frozenset({"modalities"}),
        kind=SubjectKind.DEVICE,
    ),
)


def people() -> tuple[DemoPerson, ...]:
    """Returns everybody who has an account."""
    return _PEOPLE
