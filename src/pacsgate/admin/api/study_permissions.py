"""`/api/v1/studies/{uid}/permissions`: who may do what to one study.

Called by `app`; calls `pass_on_permissions`.

Standard: none; the operations are those of dcm4chee 2's StudyPermission service on one study.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from pacsgate.admin.api.asking import Asker
from pacsgate.admin.api.problems import problems
from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind
from pacsgate.model.study_permission import StudyPermission
from pacsgate.services.pass_on_permissions import Changed, PassOnPermissions
from pacsgate.services.resolve import Refusal

_LONGEST_NAME = 256

StudyUid = Annotated[str, Path(description="StudyInstanceUID", pattern=r"^[0-9.]{1,64}$")]
Grantee = Annotated[str, Path(description="A name of that kind.", min_length=1, max_length=_LONGEST_NAME)]
Actions = Annotated[frozenset[Action], Field(min_length=1)]


class Permission(BaseModel):
    """One action on the study for one grantee."""

    action: Action
    grantee_kind: GranteeKind
    grantee: str
    origin: str
    granted_by: str
    granted_at: datetime

    @classmethod
    def of(cls, permission: StudyPermission) -> "Permission":
        """As it is told."""
        return cls(
            action=permission.action,
            grantee_kind=permission.grantee_kind,
            grantee=permission.grantee,
            origin=permission.origin,
            granted_by=permission.granted_by,
            granted_at=permission.granted_at,
        )


class Permissions(BaseModel):
    """All permissions of one study."""

    study_instance_uid: str
    permissions: list[Permission]


class Gift(BaseModel):
    """What is to be given to whom."""

    model_config = ConfigDict(extra="forbid")

    grantee_kind: GranteeKind
    grantee: Annotated[str, Field(min_length=1, max_length=_LONGEST_NAME)]
    actions: Actions


class Held(BaseModel):
    """What a grantee is to have."""

    model_config = ConfigDict(extra="forbid")

    actions: Actions


class Outcome(BaseModel):
    """What really changed: what was there already is not among it."""

    added: list[Permission]
    removed: list[Permission]

    @classmethod
    def of(cls, changed: Changed) -> "Outcome":
        """As it is told."""
        return cls(
            added=[Permission.of(each) for each in changed.added],
            removed=[Permission.of(each) for each in changed.removed],
        )


def study_permission_routes(desk: PassOnPermissions) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/studies/{study_instance_uid}/permissions", tags=["study permissions"])

    @routes.get("", responses=problems(404))
    def list_permissions(study_instance_uid: StudyUid, caller: Asker) -> Permissions:
        """List the permissions of a study, whether an archive holds it or not."""
        found = desk.listed(caller, study_instance_uid)
        if isinstance(found, Refusal):
            raise _refusal(found)
        told = [Permission.of(each) for each in found]
        return Permissions(study_instance_uid=study_instance_uid, permissions=told)

    @routes.post("", responses=problems(404))
    def give_permissions(study_instance_uid: StudyUid, gift: Gift, caller: Asker) -> Outcome:
        """Give somebody permissions besides those that are there."""
        return _outcome(
            desk.give(
                caller,
                study_instance_uid,
                (gift.grantee_kind, gift.grantee),
                gift.actions,
            )
        )

    @routes.put("/{grantee_kind}/{grantee}", responses=problems(404))
    def set_permissions(
        study_instance_uid: StudyUid,
        grantee_kind: GranteeKind,
        grantee: Grantee,
        held: Held,
        caller: Asker,
    ) -> Outcome:
        """Let somebody have exactly these."""
        return _outcome(desk.set(caller, study_instance_uid, (grantee_kind, grantee), held.actions))

    @routes.delete("/{grantee_kind}/{grantee}", responses=problems(404))
    def take_permissions(
        study_instance_uid: StudyUid,
        grantee_kind: GranteeKind,
        grantee: Grantee,
        caller: Asker,
        action: Annotated[list[Action] | None, Query(description="These only; else all.")] = None,
    ) -> Outcome:
        """Take permissions back, from the next request on."""
        return _outcome(
            desk.take(
                caller,
                study_instance_uid,
                (grantee_kind, grantee),
                None if action is None else frozenset(action),
            )
        )

    return routes


def _outcome(changed: Changed | Refusal) -> Outcome:
    if isinstance(changed, Refusal):
        raise _refusal(changed)
    return Outcome.of(changed)


def _refusal(refused: Refusal) -> HTTPException:
    return HTTPException(refused.answer.value)
