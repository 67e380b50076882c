"""Who asks, and with which permission: what every route of `/api/v1` begins with.

A route that administers takes a `Mandate` by one of the names below; whoever lacks the permission is
refused before the body is validated and before anything is looked up.

Called by the routers; calls `Mandates`, which `app` puts where requests find it.

Invariants:
- a request that no door has let in is answered by an exception.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from pacsgate.model.permission import Permission
from pacsgate.services.callers import CALLER, Caller
from pacsgate.services.mandates import Mandate, Mandates


async def caller_of(request: Request) -> Caller:  # async, or it would be asked for in a thread
    """Who asks, as the door left it."""
    caller = request.scope.get(CALLER)
    if not isinstance(caller, Caller):
        raise TypeError("a request that no door has let in")
    return caller


Asker = Annotated[Caller, Depends(caller_of)]


@dataclass(frozen=True, slots=True)
class Needs:
    """The demand for one permission, as a dependency."""

    permission: Permission

    def __call__(self, request: Request, caller: Asker) -> Mandate:
        """The caller's mandate.  Raises `RequestError` (403)."""
        return mandates_of(request).need(caller, self.permission)


def mandates_of(request: Request) -> Mandates:
    """What hands out mandates."""
    mandates = request.app.state.mandates
    if not isinstance(mandates, Mandates):
        raise TypeError("an application without mandates")
    return mandates


UserLister = Annotated[Mandate, Depends(Needs(Permission.USER_LIST))]
UserAdministrator = Annotated[Mandate, Depends(Needs(Permission.USER_ADMINISTER))]
RoleAssigner = Annotated[Mandate, Depends(Needs(Permission.ROLE_ASSIGN))]
RoleLister = Annotated[Mandate, Depends(Needs(Permission.ROLE_LIST))]
RoleReader = Annotated[Mandate, Depends(Needs(Permission.ROLE_GET))]
RoleCreator = Annotated[Mandate, Depends(Needs(Permission.ROLE_CREATE))]
RoleUpdater = Annotated[Mandate, Depends(Needs(Permission.ROLE_UPDATE))]
RoleRemover = Annotated[Mandate, Depends(Needs(Permission.ROLE_REMOVE))]
DeviceAdministrator = Annotated[Mandate, Depends(Needs(Permission.DEVICE_ADMINISTER))]
GrantAdministrator = Annotated[Mandate, Depends(Needs(Permission.GRANT_ADMINISTER))]
TokenAdministrator = Annotated[Mandate, Depends(Needs(Permission.TOKEN_ADMINISTER))]
