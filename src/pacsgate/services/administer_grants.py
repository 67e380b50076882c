"""Grants: one patient, study, series or collection for one user, group or role, until some time.

Called by the command line and the administration API.

Standard: PS3.16 CID 401 (110135).
"""

import secrets
from datetime import datetime

from pacsgate.audit.events import AuditEvent, EventKind, StudyObject
from pacsgate.dicom.uids import require_uid
from pacsgate.model.actions import Action
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.services.administration import Change, Office, words

_UID_KEYWORDS = {GrantTarget.STUDY: "StudyInstanceUID", GrantTarget.SERIES: "SeriesInstanceUID"}


class GrantAdministration:
    """Changes to the grants of a tenant."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._directory = office.directory

    def grants(self, scope: TenantScope) -> tuple[Grant, ...]:
        """Every grant that has not been revoked."""
        return self._directory.grants(scope)

    def add(
        self,
        change: Change,
        *,
        grantee: tuple[GranteeKind, str],
        target: tuple[GrantTarget, str],
        actions: frozenset[Action],
        expires: datetime | None = None,
        archive: ArchiveName | None = None,
    ) -> Grant:
        """Grant some actions on one thing, in every archive or in one.

        The thing need not exist yet: a grant may be made for a study that is
        still to come, and an answer that told would be a way to ask.
        """
        self.check_grantee(change.scope, *grantee)
        self._check_target(*target)
        if not actions:
            raise RequestError("a grant needs at least one action")
        if expires is not None and expires <= change.at:
            raise RequestError("a grant must end in the future")
        grant = Grant(
            grant_id=secrets.token_hex(8),
            grantee_kind=grantee[0],
            grantee=grantee[1],
            target=target[0],
            target_id=target[1],
            actions=actions,
            granted_by=change.actor.name,
            granted_at=change.at,
            expires=expires,
            archive=archive,
        )
        self._directory.add_grant(change.scope, grant, grant_event(change, "granted", grant))
        self._office.publish()
        return grant

    def revoke(self, change: Change, grant_id: str) -> None:
        """Take a grant back, from the next request on."""
        for grant in self._directory.grants(change.scope):
            if grant.grant_id == grant_id:
                self._directory.revoke_grant(change.scope, grant_id, grant_event(change, "revoked", grant))
                self._office.publish()
                return
        raise NotFoundError(f"no grant has the id `{grant_id}`; `pacsgate grant list` shows those that exist")

    def check_grantee(self, scope: TenantScope, kind: GranteeKind, name: str) -> None:
        """Raise `NotFoundError` for a user or a role that there is not."""
        match kind:
            case GranteeKind.USER:
                if self._directory.user(scope, name) is None:
                    raise NotFoundError(f"no user is called `{name}`")
            case GranteeKind.ROLE:
                self._office.need_role(scope, name)
            case GranteeKind.GROUP:
                # Groups are whatever the identity source says; there is no list to look into.
                if not name:
                    raise RequestError("a group has a name")

    def _check_target(self, target: GrantTarget, target_id: str) -> None:
        if target is GrantTarget.STUDY_PERMISSION:
            raise RequestError("no grant is on a study permission: permit it on its study")
        keyword = _UID_KEYWORDS.get(target)
        if keyword is not None:
            require_uid(target_id, keyword)
        elif not target_id:
            raise RequestError(f"a grant on a {target} names it")


def grant_event(change: Change, word: str, grant: Grant) -> AuditEvent:
    """The event of a grant that is `granted` or `revoked`."""
    text = f"{words(grant.actions)} until {grant.expires.isoformat() if grant.expires else 'revoked'}"
    return change.event(
        EventKind.OBJECT_ACCESS_CHANGED,
        f"grant {word}",
        f"{grant.grantee_kind}:{grant.grantee}",
        before=text if word == "revoked" else "",
        after=text if word == "granted" else "",
        study=StudyObject(grant.target_id) if grant.target is GrantTarget.STUDY else None,
        grant=grant.grant_id,
        on=f"{grant.target}:{grant.target_id}",
        **({} if grant.archive is None else {"archive": grant.archive}),
    )
