"""Who asks for a tenant or one of its PACSes, and with which permission.

A route under a tenant takes a `Warrant` by a dependency made here; whoever lacks the permission is refused
before the body is validated and before anything is looked up.  What cannot be the name of a tenant or PACS is
the name of none.

Called by the routers of both trees; calls `Warrants`, which `app` puts where requests find it.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Request

from pacsgate.admin.api.asking import Asker, mandates_of
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.services.mandates import Mandate
from pacsgate.services.warrants import Warrant, Warrants

TenantPath = Annotated[str, Path(description="A tenant's id.", examples=["north"])]
PacsPath = Annotated[str, Path(description="The id of a PACS of the tenant.", examples=["doors"])]


@dataclass(frozen=True, slots=True)
class NeedsInTenant:
    """The demand for one permission in the tenant of the path, as a dependency."""

    permission: Permission

    def __call__(self, request: Request, caller: Asker, tenant: TenantPath) -> Warrant:
        """The caller's warrant.  Raises `NotFoundError`, `RequestError` (403)."""
        return warrants_of(request).need(caller, self.permission, TenantName(tenant))


@dataclass(frozen=True, slots=True)
class NeedsAtPacs:
    """The demand for one permission at the PACS of the path, as a dependency."""

    permission: Permission

    def __call__(self, request: Request, caller: Asker, tenant: TenantPath, pacs: PacsPath) -> Warrant:
        """The caller's warrant, with the PACS.  Raises `NotFoundError`, `RequestError` (403)."""
        return warrants_of(request).need(caller, self.permission, TenantName(tenant), ArchiveName(pacs))


@dataclass(frozen=True, slots=True)
class MandateIn:
    """The demand for one permission in the tenant of the path, for what reaches accounts and roles."""

    permission: Permission

    def __call__(self, request: Request, caller: Asker, tenant: TenantPath) -> Mandate:
        """The caller's mandate.  Raises `NotFoundError`, `RequestError` (403)."""
        warrant = warrants_of(request).need(caller, self.permission, TenantName(tenant))
        return mandates_of(request).need(warrant.caller, self.permission)


def warrants_of(request: Request) -> Warrants:
    """What hands out warrants."""
    warrants = request.app.state.warrants
    if not isinstance(warrants, Warrants):
        raise TypeError("an application without warrants")
    return warrants
