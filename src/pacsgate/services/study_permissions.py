"""Study permissions: given, taken back and listed, one study at a time or by the million.

What is without end is a fact of each study (`model.study_permission`), what ends or reaches studies
that are still to come is a grant; who gives permissions need not know the difference.  Counts are
those of dcm4chee: what is there already is not given again.

A permission is made for a grantee who could use it: one for a role that may never do the
action is refused, or it would lie there until somebody raises the role's ceiling.  An
import takes what there is, for the roles that come with it are not in force yet.

Called by the command line, the administration API, the importer and whatever grants by rule.

Invariants:
- every study whose permissions changed is on record, with what changed, where it came from and by whom;
- on return the change is committed and on record, and the next request obeys it.

Standard: PS3.16 CID 401 (110135); the counts and the present studies of a patient are those of
dcm4chee 2 `StudyPermissionService`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TypeVar, assert_never

from pacsgate.dicom.uids import require_uid
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import TenantScope
from pacsgate.model.study_permission import PERMITTABLE, Holding, StudyPermission
from pacsgate.services.administer_grants import GrantAdministration
from pacsgate.services.administration import Change, Office, words
from pacsgate.services.permission_events import GIVEN, TAKEN_BACK, import_events, permission_events

_BATCH = 500
"""Studies, at least, that are changed in one transaction."""

_Item = TypeVar("_Item")

Grantee = tuple[GranteeKind, str]
Target = tuple[GrantTarget, str]
Row = tuple[str, Action, GranteeKind, str]
"""A StudyInstanceUID, and what whom is permitted."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What came of giving: what is new, the studies that it was given for, and the grant beside them."""

    added: tuple[StudyPermission, ...]
    studies: tuple[str, ...]
    grant: Grant | None = None


@dataclass(frozen=True, slots=True)
class Revoked:
    """What came of taking back: what was there, the studies and grants that it was taken from."""

    removed: tuple[StudyPermission, ...]
    studies: tuple[str, ...]
    grants: tuple[Grant, ...] = ()


class StudyPermissionAdministration:
    """Gives, takes back and lists the permissions of a tenant's studies."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._permissions = office.permissions
        self._grants = GrantAdministration(office)

    def of_study(self, scope: TenantScope, study_instance_uid: str) -> tuple[StudyPermission, ...]:
        """All permissions of one study, whether the index knows it or not."""
        return self._permissions.of_study(scope, require_uid(study_instance_uid, "StudyInstanceUID"))

    def every(
        self, scope: TenantScope, *, grantee: Grantee | None = None, orphans: bool = False
    ) -> Iterator[StudyPermission]:
        """All, those of one grantee, or those of studies that no archive holds (any more, or yet)."""
        return self._permissions.every(scope, grantee=grantee, orphans=orphans)

    def grant(
        self,
        change: Change,
        *,
        grantee: Grantee,
        target: Target,
        actions: frozenset[Action],
        origin: str,
        expires: datetime | None = None,
        future: bool = False,
    ) -> Granted:
        """Permit some actions on a study, or on all studies that a patient or a collection has now.

        With `future`, on those too that a patient or a collection will have; with an end, until then: both
        are one grant.
        """
        self._check(change.scope, grantee, target, actions)
        if expires is not None:
            return Granted((), (), self._grant(change, grantee, target, actions, expires))
        studies = self._permissions.studies_of(change.scope, *target)
        rows = [
            _permission(change, origin, uid, action, *grantee)
            for uid in studies
            for action in sorted(actions)
        ]
        tell = partial(permission_events, change, GIVEN, origin)
        added = _in_batches(rows, lambda batch: self._permissions.add(change.scope, batch, tell))
        more_to_come = future and target[0] is not GrantTarget.STUDY
        grant = self._grant(change, grantee, target, actions, None) if more_to_come else None
        self._office.publish()
        return Granted(added, studies, grant)

    def revoke(
        self,
        change: Change,
        *,
        grantee: Grantee,
        target: Target,
        actions: frozenset[Action],
        origin: str,
    ) -> Revoked:
        """Take back what `grant` gives: permissions, and grants on the target that are for nothing else."""
        _check_target(target)
        studies = self._permissions.studies_of(change.scope, *target)
        removed = self._taken_back(change, studies, grantee, actions, origin)
        grants = tuple(
            grant
            for grant in self._grants.grants(change.scope)
            if (grant.grantee_kind, grant.grantee, grant.target, grant.target_id) == (*grantee, *target)
            and grant.actions <= actions
        )
        for grant in grants:
            self._grants.revoke(change, grant.grant_id)
        self._office.publish()
        return Revoked(removed, studies, grants)

    def take_back(
        self,
        change: Change,
        study_instance_uid: str,
        grantee: Grantee,
        actions: frozenset[Action],
        *,
        origin: str,
    ) -> tuple[StudyPermission, ...]:
        """Take back permissions of one study, and no grant."""
        removed = self._taken_back(change, (study_instance_uid,), grantee, actions, origin)
        self._office.publish()
        return removed

    def _taken_back(
        self,
        change: Change,
        studies: Sequence[str],
        grantee: Grantee,
        actions: frozenset[Action],
        origin: str,
    ) -> tuple[StudyPermission, ...]:
        named = [(uid, Holding(action, *grantee)) for uid in studies for action in sorted(actions)]
        tell = partial(permission_events, change, TAKEN_BACK, origin)
        return _in_batches(named, lambda batch: self._permissions.remove(change.scope, batch, tell))

    def revoke_all_of(self, change: Change, grantee: Grantee) -> int:
        """Take back everything that somebody is permitted, who is about to be no more; returns how much."""
        count = 0
        tell = partial(permission_events, change, TAKEN_BACK, f"{grantee[0]} removed")
        of_grantee = self._permissions.every(change.scope, grantee=grantee)
        while batch := [(each.study_instance_uid, each.holding) for each in islice(of_grantee, _BATCH)]:
            count += len(self._permissions.remove(change.scope, batch, tell))
        self._office.publish()
        return count

    def import_rows(
        self,
        change: Change,
        rows: Iterable[Row],
        *,
        origin: str,
        progress: Callable[[int], None] = lambda _: None,
    ) -> int:
        """Take over a table of permissions, however long; returns how many are new.

        There is one event for each batch, with its count.
        """
        read = added = 0
        tell = partial(import_events, change, origin)
        remaining = iter(rows)
        while batch := [_permission(change, origin, *row) for row in islice(remaining, 4 * _BATCH)]:
            added += len(self._permissions.add(change.scope, batch, tell))
            read += len(batch)
            self._office.publish()
            progress(read)
        return added

    def _grant(
        self,
        change: Change,
        grantee: Grantee,
        target: Target,
        actions: frozenset[Action],
        expires: datetime | None,
    ) -> Grant:
        """The grant on what is there and what is to come, made unless there is just that one already."""
        for grant in self._grants.grants(change.scope):
            same = (grant.grantee_kind, grant.grantee, grant.target, grant.target_id) == (*grantee, *target)
            if same and grant.actions >= actions and grant.expires == expires:
                return grant
        return self._grants.add(change, grantee=grantee, target=target, actions=actions, expires=expires)

    def _check(
        self, scope: TenantScope, grantee: Grantee, target: Target, actions: frozenset[Action]
    ) -> None:
        _check_target(target)
        if not actions:
            raise RequestError("a permission is for at least one action")
        if not actions <= PERMITTABLE:
            raise RequestError(
                "no study permission is for `store`: a study that can be named is there already"
            )
        self._grants.check_grantee(scope, *grantee)
        useless = words(self._useless(scope, grantee, actions))
        if useless:
            raise RequestError(f"role `{grantee[1]}` may never `{useless}`: raise what it `may` do first")

    def _useless(self, scope: TenantScope, grantee: Grantee, actions: Iterable[Action]) -> list[Action]:
        if grantee[0] is not GranteeKind.ROLE:
            return []
        policy = self._office.policy(scope)
        known = {role.name: role for role in self._office.directory.roles(scope)}
        known |= {} if policy is None else policy.roles
        role = known.get(grantee[1])
        may = frozenset[Action]() if role is None else role.may
        return [action for action in actions if action not in may]


def _check_target(target: Target) -> None:
    kind, name = target
    match kind:
        case GrantTarget.STUDY:
            require_uid(name, "StudyInstanceUID")
        case GrantTarget.PATIENT | GrantTarget.COLLECTION:
            if not name:
                raise RequestError(f"a permission on a {kind} names it")
        case GrantTarget.SERIES | GrantTarget.DEPARTMENT | GrantTarget.STUDY_PERMISSION:
            raise RequestError("a permission is on a study, a patient or a collection")
        case _:
            assert_never(kind)


def _in_batches(
    items: Sequence[_Item], do: Callable[[Sequence[_Item]], tuple[StudyPermission, ...]]
) -> tuple[StudyPermission, ...]:
    return tuple(done for start in range(0, len(items), _BATCH) for done in do(items[start : start + _BATCH]))


def _permission(
    change: Change, origin: str, uid: str, action: Action, kind: GranteeKind, name: str
) -> StudyPermission:
    require_uid(uid, "StudyInstanceUID")
    return StudyPermission(uid, action, kind, name, origin, change.actor.name, change.at)
