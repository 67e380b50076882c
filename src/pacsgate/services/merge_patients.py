"""Two patients become one: grants on the old PatientID follow to the one that remains.

Permissions on studies are kept by the study's UID and need not follow.  The archive merges its objects by
itself, or not; this is about who may see them.

Called by the HL7 door for ADT^A40; calls the directory.

Invariants:
- a grant is made on the patient that remains before the old one is taken back;
- whoever merges gives nobody an action that a grant of theirs did not hold.

Standard: HL7 v2.5.1, 3.3.40 (A40), 3.4.9 (MRG).
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from pacsgate.audit.events import Actor
from pacsgate.model.errors import RequestError
from pacsgate.model.grant import Grant, GrantTarget
from pacsgate.model.resource import TenantScope
from pacsgate.protocols.hl7.facts import patients
from pacsgate.protocols.hl7.message import Message, Segment
from pacsgate.services.administer_grants import grant_event
from pacsgate.services.administration import Change, Office

MERGE = "ADT^A40"


@dataclass(frozen=True, slots=True)
class MergePatients:
    """The use case over the grants of a tenant."""

    office: Callable[[], Office]

    def merge(self, scope: TenantScope, message: Message, actor: Actor, now: datetime) -> int:
        """Move the grants of every patient that the message merges; returns how many.

        Raises `RequestError` for a message that does not say who becomes whom.
        """
        merged = tuple(_merged(message))
        if not merged:
            raise RequestError("a merge names the remaining patient in PID-3 and the old one in MRG-1")
        office = self.office()
        change = Change(scope, actor, now)
        moved = 0
        for old, remaining in merged:
            for grant in office.directory.grants(scope):
                if grant.target is GrantTarget.PATIENT and grant.target_id == old:
                    _move(office, change, grant, remaining)
                    moved += 1
        office.publish()
        return moved


def _move(office: Office, change: Change, grant: Grant, remaining: str) -> None:
    made = replace(grant, grant_id=secrets.token_hex(8), target_id=remaining)
    office.directory.add_grant(change.scope, made, grant_event(change, "granted", made))
    office.directory.revoke_grant(change.scope, grant.grant_id, grant_event(change, "revoked", grant))


def _merged(message: Message) -> list[tuple[str, str]]:
    """Old and remaining patient of each pair of PID and MRG; identifiers of one authority belong together."""
    found: list[tuple[str, str]] = []
    remaining: frozenset[str] = frozenset()
    for segment in message.segments:
        if segment.name == "PID":
            remaining = _named(segment, message, 3)
        elif segment.name == "MRG":
            for old in sorted(_named(segment, message, 1)):
                same = sorted(key for key in remaining if _authority(key) == _authority(old))
                found += [(old, key) for key in same[:1] if key != old]
    return found


def _named(segment: Segment, message: Message, field: int) -> frozenset[str]:
    return patients(replace(message, segments=(segment,)), segment.name, field)


def _authority(key: str) -> str:
    return key.partition("|")[0] if "|" in key else ""
