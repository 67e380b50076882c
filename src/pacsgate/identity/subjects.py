"""From a row of the directory to the one value that decisions speak of.

Called by the doors of `pacsgate.identity`.

Invariants:
- whoever has a second factor owes it wherever a password alone would do, and at no machine's door;
- a subject ends when its account or its credential does, whichever is first;
- what a source may give at most holds for all that it has made: its accounts by whatever
  credential they come, and the sessions that it began for accounts of others.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from pacsgate.model.actions import Action
from pacsgate.model.resource import TenantName
from pacsgate.model.strength import HIGHEST_LEVEL
from pacsgate.model.subject import Credential, Subject, SubjectKind
from pacsgate.ports import UserRecord

RoleCeilings = Mapping[str, frozenset[str] | None]
"""The configured identity sources, each with the roles that it may give at most."""

NO_SOURCES: RoleCeilings = {}

_INTERACTIVE = frozenset({Credential.PASSWORD, Credential.SESSION})
"""Credentials behind which a person is who can prove more; tokens and certificates are proof of their own."""


def subject_of(
    user: UserRecord,
    tenant: TenantName,
    credential: Credential,
    *,
    credential_id: str | None = None,
    authenticated_at: datetime,
    token_actions: frozenset[Action] | None = None,
    methods: frozenset[str] = frozenset(),
    assurance_level: int = 1,
    second_factor_at: datetime | None = None,
    source: str | None = None,
    ceilings: RoleCeilings = NO_SOURCES,
    ends_at: datetime | None = None,
) -> Subject:
    """The subject that a verified credential of this user stands for.

    `source` is who has verified it, if that is not who keeps the account; `ends_at` is when the
    credential ends.
    """
    speaks = user.source if source is None else source
    return Subject(
        tenant=tenant,
        name=user.name,
        kind=SubjectKind(user.kind),
        display_name=user.display_name,
        assignments=user.assignments,
        groups=user.groups,
        attributes=user.attributes,
        credential=credential,
        credential_id=credential_id,
        authenticated_at=authenticated_at,
        assurance_level=assurance_level,
        methods=methods,
        second_factor_at=second_factor_at,
        owes_factor=user.has_second_factor and assurance_level < 2 and credential in _INTERACTIVE,
        token_actions=token_actions,
        source=speaks,
        zones=user.zones,
        role_ceiling=_lowest(ceilings.get(user.source), ceilings.get(speaks)),
        valid_until=earliest(user.until, ends_at),
    )


def fully_proven(subject: Subject, at: datetime) -> Subject:
    """The subject as if it had just proven all that can be asked of it: for questions about it."""
    return replace(subject, assurance_level=HIGHEST_LEVEL, second_factor_at=at, owes_factor=False)


def earliest(*ends: datetime | None) -> datetime | None:
    """The first of some ends; `None` is never."""
    return min((end for end in ends if end is not None), default=None)


def is_over(subject: Subject, now: datetime) -> bool:
    """Whether account or credential of a remembered subject has ended by itself."""
    return subject.valid_until is not None and now >= subject.valid_until


def _lowest(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
