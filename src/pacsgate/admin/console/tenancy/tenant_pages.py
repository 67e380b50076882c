"""`/admin/tenancy/about` and `/admin/tenancy/fields/…`: what a tenant is called, and its extension fields.

A field is changed on a page of its own.  Those who were there before a field was required, or before it had
another type, need it from their next change on.

Called by `routes`; calls `TenantAdministration`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.forms import Form
from pacsgate.admin.console.tenancy.desk import HOME, TenancyDesk, Turn
from pacsgate.admin.console.tenancy.inputs import Input, filled_in
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.extension_fields import ExtensionField, ExtensionFields, FieldType, check_fields
from pacsgate.model.permission import Permission
from pacsgate.ports.tenants import TenantRecord

ABOUT = f"{HOME}/about"
_FIELDS = f"{HOME}/fields/{{entity}}"
_NEEDS = Permission.TENANT_UPDATE
_TYPES = (
    (FieldType.STRING.value, "text"),
    (FieldType.INTEGER.value, "whole number"),
    (FieldType.BOOLEAN.value, "yes or no"),
    (FieldType.DATE.value, "date"),
)
_NAME = Input(
    "name",
    "Name",
    hint="Letters, digits and _. It cannot be changed.",
    required=True,
    attributes={"autocomplete": "off", "maxlength": 64},
)
_DESCRIBED = (
    Input(
        "description", "Called on pages", hint="By its name, if left empty.", attributes={"maxlength": 400}
    ),
    Input("type", "Type", required=True, options=_TYPES),
)


@dataclass(frozen=True, slots=True)
class _Entity:
    """Whose fields."""

    plural: str
    title: str

    def of(self, tenant: TenantRecord) -> ExtensionFields:
        return tenant.visit_fields if self is _ENTITIES["visit"] else tenant.identity_fields


_ENTITIES: Mapping[str, _Entity] = {
    "identity": _Entity("identities", "Fields of identities"),
    "visit": _Entity("visits", "Fields of visits"),
}


def tenant_routes(desk: TenancyDesk) -> list[Route]:
    """The routes."""
    one = f"{_FIELDS}/{{field}}"
    return [
        Route(ABOUT, desk.page(show), methods=["GET"]),
        Route(ABOUT, desk.form(rename, show), methods=["POST"]),
        Route(_FIELDS, desk.page(show_new_field), methods=["GET"]),
        Route(_FIELDS, desk.form(add_field, show_new_field), methods=["POST"]),
        Route(one, desk.page(show_field), methods=["GET"]),
        Route(one, desk.form(change_field, show_field), methods=["POST"]),
        Route(f"{one}/remove", desk.form(remove_field, show_field), methods=["POST"]),
    ]


def show(turn: Turn) -> Response:
    """Name and fields, to be changed."""
    turn.need(_NEEDS)
    tenant = turn.tenant()
    name = Input("name", "Name", required=True, value=tenant.name, attributes={"maxlength": 200})
    fields = [(key, each, each.of(tenant)) for key, each in _ENTITIES.items()]
    return turn.render(
        "about.html", form=filled_in([name], turn), fields=fields, types=dict(_TYPES), path=HOME
    )


def rename(turn: Turn, form: Form) -> str:
    """Call it something else."""
    turn.desk.tenants().update(turn.need(_NEEDS).change(), name=form["name"])
    return f"{ABOUT}?done=changed"


def show_new_field(turn: Turn) -> Response:
    """A form for a new field."""
    turn.need(_NEEDS)
    return _form(turn, (_NAME, *_DESCRIBED), is_required=False)


def add_field(turn: Turn, form: Form) -> str:
    """Add a field."""
    turn.need(_NEEDS)
    name, field = form["name"].strip(), _field(form)
    try:
        check_fields({name: field})
    except RequestError as refused:
        raise RequestError(f"`name`: {refused.public}") from None
    if name in _entity(turn).of(turn.tenant()):
        raise ConflictError("`name`: there is a field of this name already")
    _replace(turn, {name: field})
    return f"{ABOUT}?done=added"


def show_field(turn: Turn) -> Response:
    """One field, to be changed."""
    turn.need(_NEEDS)
    stood = _stood(turn)
    values = {"description": stood.description, "type": stood.type.value}
    inputs = tuple(replace(each, value=values[each.name]) for each in _DESCRIBED)
    return _form(turn, inputs, is_required=stood.required)


def change_field(turn: Turn, form: Form) -> str:
    """Say anew what a field is."""
    turn.need(_NEEDS)
    _stood(turn)
    _replace(turn, {turn["field"]: _field(form)})
    return f"{ABOUT}?done=changed"


def remove_field(turn: Turn, _form: Form) -> str:
    """Remove a field; values that somebody has go with their next change."""
    turn.need(_NEEDS)
    _stood(turn)
    _replace(turn, {turn["field"]: None})
    return f"{ABOUT}?done=removed"


def _form(turn: Turn, inputs: tuple[Input, ...], *, is_required: bool) -> Response:
    entity = _entity(turn)
    field = str(turn.visitor.request.path_params.get("field", ""))
    path = f"{HOME}/fields/{quote(turn['entity'], safe='')}"
    return turn.render(
        "field.html",
        entity=entity,
        field=field,
        action=f"{path}/{quote(field, safe='')}" if field else path,
        form=filled_in(inputs, turn),
        is_required=is_required if turn.refused is None else "required" in turn.refused,
    )


def _entity(turn: Turn) -> _Entity:
    found = _ENTITIES.get(turn["entity"])
    if found is None:
        raise NotFoundError("there are extension fields of identities and of visits, and no others")
    return found


def _stood(turn: Turn) -> ExtensionField:
    found = _entity(turn).of(turn.tenant()).get(turn["field"])
    if found is None:
        raise NotFoundError("there is no such extension field")
    return found


def _field(form: Form) -> ExtensionField:
    if form["type"] not in set(FieldType):
        raise RequestError("`type` is one of those that there are")
    return ExtensionField(FieldType(form["type"]), form["description"].strip(), "required" in form)


def _replace(turn: Turn, changed: Mapping[str, ExtensionField | None]) -> None:
    """Let some fields be otherwise, or be no more."""
    entity = _entity(turn)
    after = {**entity.of(turn.tenant()), **changed}
    kept = {name: each for name, each in after.items() if each is not None}
    tenants, order = turn.desk.tenants(), turn.need(_NEEDS).change()
    if entity is _ENTITIES["visit"]:
        tenants.update(order, visit_fields=kept)
    else:
        tenants.update(order, identity_fields=kept)
