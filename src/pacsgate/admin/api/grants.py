"""`/api/v1/grants`: who was granted what on which patient, study, series or collection, until when.

Called by `app`; calls `ManagedGrants`.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from pacsgate.admin.api.asking import GrantAdministrator
from pacsgate.admin.api.instants import Instant
from pacsgate.admin.api.locations import location
from pacsgate.admin.api.paging import USUAL, Cursor, Limit, page
from pacsgate.admin.api.problems import problems
from pacsgate.model.actions import Action
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import ArchiveName
from pacsgate.services.managed_grants import GrantsAsked, ManagedGrants

GrantId = Annotated[str, Path(description="The id of a grant.", min_length=1, max_length=64)]
_Name = Annotated[str, Field(min_length=1, max_length=256)]
_Asked = Annotated[str | None, Query(min_length=1, max_length=256)]


class NewGrant(BaseModel):
    """What is to be granted to whom."""

    model_config = ConfigDict(extra="forbid")

    grantee_kind: GranteeKind
    grantee: _Name
    target: GrantTarget
    target_id: _Name = Field(description="A UID, a collection, a department, or `issuer|PatientID`.")
    actions: Annotated[list[Action], Field(min_length=1)]
    expires: Instant | None = None
    archive: _Name | None = Field(
        default=None, description="The one archive where it holds; every one otherwise."
    )


class GrantTold(BaseModel):
    """One grant."""

    grant_id: str
    grantee_kind: GranteeKind
    grantee: str
    target: GrantTarget
    target_id: str
    actions: list[Action]
    granted_by: str
    granted_at: Instant
    expires: Instant | None
    archive: str | None

    @classmethod
    def of(cls, grant: Grant) -> "GrantTold":
        """As it is told."""
        return cls(
            grant_id=grant.grant_id,
            grantee_kind=grant.grantee_kind,
            grantee=grant.grantee,
            target=grant.target,
            target_id=grant.target_id,
            actions=sorted(grant.actions),
            granted_by=grant.granted_by,
            granted_at=grant.granted_at,
            expires=grant.expires,
            archive=grant.archive,
        )


class GrantList(BaseModel):
    """Grants, in the order in which they were made."""

    grants: list[GrantTold]
    next: str | None


def grant_routes(managed: ManagedGrants) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/grants", tags=["grants"])

    @routes.get("", responses=problems())
    def list_grants(
        mandate: GrantAdministrator,
        grantee_kind: GranteeKind | None = None,
        grantee: _Asked = None,
        target: GrantTarget | None = None,
        target_id: _Asked = None,
        live: Annotated[
            bool | None, Query(description="Only those that hold now, or only lapsed ones.")
        ] = None,
        limit: Limit = USUAL,
        cursor: Cursor = None,
    ) -> GrantList:
        """List grants, those that have lapsed included."""
        asked = GrantsAsked(grantee_kind, grantee, target, target_id, live)
        found = page(managed.grants(mandate, asked), order_of, limit, cursor)
        return GrantList(grants=[GrantTold.of(grant) for grant in found.rows], next=found.next)

    @routes.post("", status_code=201, responses=problems(404))
    def give_grant(mandate: GrantAdministrator, new: NewGrant, response: Response) -> GrantTold:
        """Grant some actions on one thing, whether it is there yet or not."""
        grantee, target = (new.grantee_kind, new.grantee), (new.target, new.target_id)
        archive = None if new.archive is None else ArchiveName(new.archive)
        grant = managed.give(mandate, grantee, target, frozenset(new.actions), new.expires, archive)
        response.headers["Location"] = location("grants", grant.grant_id)
        return GrantTold.of(grant)

    @routes.delete("/{grant_id}", status_code=204, responses=problems(404))
    def revoke_grant(mandate: GrantAdministrator, grant_id: GrantId) -> None:
        """Take a grant back, from the next request on."""
        managed.revoke(mandate, grant_id)

    return routes


def order_of(grant: Grant) -> str:
    """By when they were made: the place of a grant in lists."""
    return f"{grant.granted_at.isoformat()} {grant.grant_id}"
