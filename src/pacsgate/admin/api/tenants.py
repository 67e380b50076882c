"""`…/tenants/{tenant}`: registered, shown, changed, and how often it calls.

Called by `bootstrap`, once for each tree; calls `TenantAdministration`.

Standard: HID Access Integration Service, `PUT /ais/v1/tenant/{tenantId}`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict, Field, StrictBool

from pacsgate.admin.api.camel import Asked, Id, Name, Told
from pacsgate.admin.api.problems import problems
from pacsgate.admin.api.tenancy_asking import NeedsInTenant
from pacsgate.admin.api.trees import Tree
from pacsgate.model.extension_fields import MOST_FIELDS, ExtensionField, ExtensionFields, FieldType
from pacsgate.model.permission import Permission
from pacsgate.ports.tenants import TenantRecord
from pacsgate.services.administer_tenants import NewTenant, TenantAdministration
from pacsgate.services.warrants import Warrant

_Registrator = Annotated[Warrant, Depends(NeedsInTenant(Permission.TENANT_REGISTER))]
_Reader = Annotated[Warrant, Depends(NeedsInTenant(Permission.TENANT_GET))]
_Updater = Annotated[Warrant, Depends(NeedsInTenant(Permission.TENANT_UPDATE))]
_Counter = Annotated[Warrant, Depends(NeedsInTenant(Permission.TENANT_STATISTICS_GET))]
_Resetter = Annotated[Warrant, Depends(NeedsInTenant(Permission.TENANT_STATISTICS_RESET))]


class FieldShape(Asked):
    """One field that the tenant adds."""

    description: Annotated[str, Field(max_length=400)] = ""
    type: FieldType
    required: StrictBool = False


Fields = Annotated[dict[str, FieldShape], Field(max_length=MOST_FIELDS)]


class TenantRegistration(Asked):
    """A tenant to be registered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tenantAdministratorUid": "nora",
                    "name": "North Hospital",
                    "identityExtensionFields": {
                        "licence": {"description": "Number", "type": "string", "required": True}
                    },
                    "visitExtensionFields": {},
                }
            ]
        }
    )

    tenant_administrator_uid: Id = Field(
        description="The account, of the tenant itself, that will govern it; made if it is not there."
    )
    name: Name
    identity_extension_fields: Fields = Field(default={})
    visit_extension_fields: Fields = Field(default={})


class TenantUpdate(Asked):
    """What is otherwise from now on; what is absent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "North Hospital Trust"}]})

    name: Name | None = None
    identity_extension_fields: Fields | None = None
    visit_extension_fields: Fields | None = None


class TenantTold(Told):
    """One tenant."""

    tenant_id: str
    name: str
    identity_extension_fields: dict[str, FieldShape]
    visit_extension_fields: dict[str, FieldShape]
    registered_at: datetime | None

    @classmethod
    def of(cls, record: TenantRecord) -> "TenantTold":
        """As it is told."""
        return cls(
            tenant_id=record.tenant,
            name=record.name,
            identity_extension_fields=_told(record.identity_fields),
            visit_extension_fields=_told(record.visit_fields),
            registered_at=record.registered_at,
        )


class Statistics(Told):
    """How often each operation was called, by the name of its permission."""

    tenant_id: str
    since: datetime | None
    total: int
    calls: dict[str, int]


def tenant_routes(administration: Callable[[], TenantAdministration], tree: Tree) -> APIRouter:
    """The routes in one tree."""
    routes = APIRouter(tags=["tenants"])
    path = f"/{tree.path('tenants/{tenant}')}"

    @routes.put(path, status_code=201, responses=problems(404, 409))
    def register_tenant(warrant: _Registrator, new: TenantRegistration, response: Response) -> TenantTold:
        """Register a tenant with its first administrator."""
        record = administration().register(
            warrant.change(),
            NewTenant(
                new.name,
                new.tenant_administrator_uid,
                _fields(new.identity_extension_fields),
                _fields(new.visit_extension_fields),
            ),
        )
        response.headers["Location"] = tree.location("tenants", record.tenant)
        return TenantTold.of(record)

    @routes.get(path, responses=problems(404))
    def show_tenant(warrant: _Reader) -> TenantTold:
        """Show a tenant."""
        return TenantTold.of(administration().tenant(warrant.scope))

    @routes.patch(path, responses=problems(404))
    def change_tenant(warrant: _Updater, asked: TenantUpdate) -> TenantTold:
        """Change name and extension fields; those of a kind are replaced together."""
        told = administration().update(
            warrant.change(),
            name=asked.name,
            identity_fields=_fields_or_none(asked.identity_extension_fields),
            visit_fields=_fields_or_none(asked.visit_extension_fields),
        )
        return TenantTold.of(told)

    @routes.get(f"{path}/statistics", responses=problems(404))
    def show_statistics(warrant: _Counter) -> Statistics:
        """Show how often the tenant calls."""
        counts = administration().calls(warrant.scope)
        return Statistics(
            tenant_id=warrant.scope.tenant,
            since=counts.since,
            total=sum(counts.calls.values()),
            calls=dict(sorted(counts.calls.items())),
        )

    @routes.delete(f"{path}/statistics", status_code=204, responses=problems(404))
    def reset_statistics(warrant: _Resetter) -> None:
        """Begin to count anew."""
        administration().reset_calls(warrant.change())

    return routes


def _fields(shapes: Mapping[str, FieldShape]) -> ExtensionFields:
    return {
        name: ExtensionField(shape.type, shape.description, shape.required) for name, shape in shapes.items()
    }


def _fields_or_none(shapes: Mapping[str, FieldShape] | None) -> ExtensionFields | None:
    return None if shapes is None else _fields(shapes)


def _told(fields: ExtensionFields) -> dict[str, FieldShape]:
    return {
        name: FieldShape(description=one.description, type=one.type, required=one.required)
        for name, one in fields.items()
    }
