"""What is asked of PACSes: one route for each row of `OPERATIONS`, in both trees.

Each reads what it takes, demands the operation's permission at the PACS, and submits; the answer is 202 with
the address of the result.  The body is validated here and again by whoever carries the operation out.

Called by `bootstrap`, once for each tree; calls `SubmitOperation`.

Invariants:
- no operation is without route, and none without its own permission;
- nothing that cannot be read reaches the queue.

Standard: RFC 9110 15.3.3 (202); the `Idempotency-Key` header is that of draft-ietf-httpapi-idempotency-key.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from pacsgate.admin.api.problems import problems
from pacsgate.admin.api.tenancy_asking import NeedsAtPacs
from pacsgate.admin.api.trees import Tree
from pacsgate.model.pacs_operation import OPERATIONS, EntityKind, OperationRow
from pacsgate.protocols.access.bodies import BODIES, AccessBody, IdentityBody, VisitBody
from pacsgate.services.access.work import FieldCheck
from pacsgate.services.pacs_queue.submit import SubmitOperation
from pacsgate.services.warrants import Warrant

_PLACE = "/tenants/{tenant}/pacs/{pacs}/"
_ID = re.compile(r"\{(\w+)\}")
_MEANINGS = {
    "identity": "The id of an identity of the PACS.",
    "visit": "The id of a visit of the PACS.",
    "credential": "The id of a credential of the identity or visit.",
    "unit": "The id of an access unit of the PACS.",
}
_EXAMPLES = {
    "identity": "e-1042",
    "visit": "v-7",
    "credential": "card-1",
    "unit": "collection:stroke-2027",
}
_KIND_OF_BODY: dict[type[AccessBody], EntityKind] = {
    IdentityBody: EntityKind.IDENTITY,
    VisitBody: EntityKind.VISIT,
}
_PAGED = re.compile(r"(identities|visits|access-units|\{unit\}/(identities|visits))$")


class AcceptedTold(BaseModel):
    """It will be done, or its error told."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    message_id: str = Field(description="The id of the result, whose address is in `Location`.")


@dataclass(frozen=True, slots=True)
class PacsOperations:
    """What the routes of both trees do."""

    submit: SubmitOperation
    check_fields: FieldCheck

    def accept(self, row: OperationRow, tree: Tree, given: dict[str, Any]) -> AcceptedTold:
        """Submit an operation with what its route has read."""
        warrant: Warrant = given["warrant"]
        response: Response = given["response"]
        body: AccessBody | None = given.get("body")
        fields = getattr(body, "extension_fields", None)
        if body is not None and fields is not None:
            self.check_fields(warrant.scope.tenant, _KIND_OF_BODY[type(body)], fields)
        accepted = self.submit.submit(
            warrant,
            row.permission.value,
            {name: given[name] for name in _ID.findall(row.path)},
            None if body is None else body.model_dump(mode="json", by_alias=True, exclude_unset=True),
            {name: str(given[name]) for name in ("limit", "cursor") if given.get(name) is not None},
            given.get("idempotency_key"),
        )
        response.headers["Location"] = tree.location(
            "tenants", warrant.scope.tenant, "pacs", warrant.at().pacs, "results", accepted.message_id
        )
        return AcceptedTold(message_id=accepted.message_id)


def operation_routes(desk: PacsOperations, tree: Tree) -> APIRouter:
    """The routes of one tree."""
    routes = APIRouter()
    for row in OPERATIONS.values():
        routes.add_api_route(
            tree.path(_PLACE + row.path),
            _handler(desk, row, tree),
            methods=[row.method],
            status_code=202,
            responses={
                **problems(404, 409, 501),
                202: {
                    "description": "Accepted: the result is, or will be, at `Location`.",
                    "headers": {"Location": {"schema": {"type": "string"}, "description": "The result."}},
                },
            },
            tags=[_tag(row)],
            name=row.permission.value,
            summary=row.permission.value,
            description="The result is read at the address in `Location`.",
        )
    return routes


def _handler(desk: PacsOperations, row: OperationRow, tree: Tree) -> Callable[..., AcceptedTold]:
    def accept(**given: Any) -> AcceptedTold:
        return desk.accept(row, tree, given)

    accept.__signature__ = Signature(_parameters(row), return_annotation=AcceptedTold)  # type: ignore[attr-defined]
    return accept


def _parameters(row: OperationRow) -> list[Parameter]:
    """What FastAPI is to read of a request, in its own terms."""
    found = [
        _parameter("warrant", Annotated[Warrant, Depends(NeedsAtPacs(row.permission))]),
        _parameter("response", Response),
    ]
    found += [_parameter(name, _path_id(name)) for name in _ID.findall(row.path)]
    if row.has_body:
        found.append(_parameter("body", BODIES[row.permission.value]))
    if row.method == "GET" and _PAGED.search(row.path):
        found += [
            _parameter("limit", Annotated[int | None, Query(ge=1, le=1000)], None),
            _parameter("cursor", Annotated[str | None, Query(max_length=256)], None),
        ]
    key = Header(description="A name for this request: sent again with it, it is not done again.")
    found.append(_parameter("idempotency_key", Annotated[str | None, key], None))
    return found


def _path_id(name: str) -> object:
    return Annotated[
        str,
        Path(
            description=_MEANINGS[name],
            min_length=1,
            max_length=256,
            pattern=r"^[^\x00-\x1f\x7f]*$",
            examples=[_EXAMPLES[name]],
        ),
    ]


def _parameter(name: str, annotation: object, default: object = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _tag(row: OperationRow) -> str:
    return row.path.split("/", 1)[0]
