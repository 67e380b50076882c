"""`…/tenants/{tenant}/pacs`: the PACSes of a tenant, registered behind their agents.

Called by `bootstrap`, once for each tree; calls `PacsAdministration`.

Standard: HID Access Integration Service, PACS with `features` and constraints.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict, Field

from pacsgate.admin.api.camel import Asked, Id, Name, Told
from pacsgate.admin.api.paging import USUAL, Cursor, Limit, page
from pacsgate.admin.api.problems import problems
from pacsgate.admin.api.tenancy_asking import NeedsAtPacs, NeedsInTenant, PacsPath
from pacsgate.admin.api.trees import Tree
from pacsgate.model.pacs_operation import PacsKind
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName
from pacsgate.ports.tenants import PacsRecord
from pacsgate.services.administer_pacses import PacsAdministration
from pacsgate.services.warrants import Warrant

_Lister = Annotated[Warrant, Depends(NeedsInTenant(Permission.PACS_LIST))]
_Registrator = Annotated[Warrant, Depends(NeedsInTenant(Permission.PACS_REGISTER))]
_Unregistrator = Annotated[Warrant, Depends(NeedsInTenant(Permission.PACS_UNREGISTER))]
_Reader = Annotated[Warrant, Depends(NeedsAtPacs(Permission.PACS_GET))]
_Updater = Annotated[Warrant, Depends(NeedsAtPacs(Permission.PACS_UPDATE))]
_Configurer = Annotated[Warrant, Depends(NeedsAtPacs(Permission.PACS_CONFIGURATION_GET))]


class PacsRegistration(Asked):
    """A PACS to be registered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"pacsId": "doors", "name": "Doors", "kind": "doors", "agentUid": "doors-agent"}]
        }
    )

    pacs_id: Id
    name: Name
    kind: PacsKind
    agent_uid: Id = Field(description="The service account of its agent; made if it is not there.")
    configuration: dict[str, Any] = Field(default={}, description="Settings that the agent works with.")


class PacsUpdate(Asked):
    """What is otherwise from now on; what is absent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"agentUid": "new-doors-agent"}]})

    name: Name | None = None
    agent_uid: Id | None = None
    configuration: dict[str, Any] | None = None


class PacsTold(Told):
    """One PACS."""

    pacs_id: str
    name: str
    kind: PacsKind
    agent_uid: str | None = Field(description="`null` for an archive of the gate's own.")
    managed_by_file: bool
    features: list[str] | None = Field(description="Operations that its agent supports; `null` if not known.")
    constraints: dict[str, int | None]
    registered_at: datetime | None

    @classmethod
    def of(cls, record: PacsRecord) -> "PacsTold":
        """As it is told."""
        known = record.features
        return cls(
            pacs_id=record.pacs,
            name=record.name,
            kind=record.kind,
            agent_uid=record.agent,
            managed_by_file=record.is_of_file,
            features=None if known is None else sorted(known.features),
            constraints={} if known is None else dict(known.constraints),
            registered_at=record.registered_at,
        )


class PacsPage(Told):
    """PACSes, by id."""

    pacs: list[PacsTold]
    next: str | None


def pacs_routes(administration: Callable[[], PacsAdministration], tree: Tree) -> APIRouter:
    """The routes in one tree."""
    routes = APIRouter(tags=["pacs"])
    every = f"/{tree.path('tenants/{tenant}/pacs')}"
    one = f"{every}/{{pacs}}"

    @routes.get(every, responses=problems(404))
    def list_pacs(warrant: _Lister, limit: Limit = USUAL, cursor: Cursor = None) -> PacsPage:
        """List the PACSes of a tenant, archives of the configuration file among them."""
        found = page(administration().pacses(warrant.scope), lambda record: record.pacs, limit, cursor)
        return PacsPage(pacs=[PacsTold.of(record) for record in found.rows], next=found.next)

    @routes.post(every, status_code=201, responses=problems(404, 409))
    def register_pacs(warrant: _Registrator, new: PacsRegistration, response: Response) -> PacsTold:
        """Register a PACS; its agent gets the role `AgentInstance` there."""
        record = administration().register(
            warrant.change(),
            PacsRecord(ArchiveName(new.pacs_id), new.name, new.kind, new.agent_uid, None, new.configuration),
        )
        response.headers["Location"] = tree.location("tenants", warrant.scope.tenant, "pacs", record.pacs)
        return PacsTold.of(record)

    @routes.get(one, responses=problems(404))
    def show_pacs(warrant: _Reader) -> PacsTold:
        """Show a PACS, with what its agent says it can do."""
        return PacsTold.of(warrant.at())

    @routes.patch(one, responses=problems(404, 409))
    def change_pacs(warrant: _Updater, asked: PacsUpdate) -> PacsTold:
        """Change a PACS; with its agent moves the role."""
        told = administration().update(
            warrant.change(),
            warrant.at().pacs,
            shown=asked.name,
            agent=asked.agent_uid,
            configuration=asked.configuration,
        )
        return PacsTold.of(told)

    @routes.delete(one, status_code=204, responses=problems(404, 409))
    def unregister_pacs(warrant: _Unregistrator, pacs: PacsPath) -> None:
        """Unregister a PACS; what its agent has not done yet fails."""
        administration().unregister(warrant.change(), ArchiveName(pacs))

    @routes.get(f"{one}/configuration", responses=problems(404))
    def show_pacs_configuration(warrant: _Configurer) -> dict[str, Any]:
        """Show the settings that its agent works with."""
        return dict(warrant.at().configuration)

    return routes
