"""What a command asks of a PACS: submitted like any request, and waited for.

Whoever works at the command line of the installation needs no permission; what they ask for goes the way of
all requests, to the gate's own archives or through the queue to an agent.

Called by `holders`, `identities`, `visits`, `units`, `pacses` and the demonstration.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from pacsgate.bootstrap.executors import field_check
from pacsgate.bootstrap.pacs_queue import queue_desk
from pacsgate.bootstrap.tenancy import known_pacses
from pacsgate.cli.failures import told
from pacsgate.cli.inquiry import live_policy
from pacsgate.cli.installation import open_installation
from pacsgate.cli.printing import Json, print_fields, print_json, print_line, print_table
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError, SettingsError, UnavailableError
from pacsgate.model.pacs_operation import OPERATIONS
from pacsgate.model.resource import ArchiveName
from pacsgate.protocols.access.bodies import AccessBody, check_body
from pacsgate.services.pacs_queue.submit import Asked

SECONDS = 10.0
"""How long a command waits for an agent."""

Pacs = Annotated[str, typer.Option(help="The PACS.")]
Tenant = Annotated[str, typer.Option(help="The tenant whose it is.")]
Fields = Annotated[
    list[str] | None, typer.Option("--field", help="An extension field, `NAME=VALUE`; may be repeated.")
]

_OF_ALL: Mapping[str, str] = MappingProxyType({})
_NOT_FOUND, _CONFLICT, _REFUSED, _FAILED = 404, 409, 400, 500


@dataclass(frozen=True, slots=True)
class Place:
    """A PACS of a tenant of an installation."""

    config: Path
    tenant: str
    pacs: str


def ask(
    place: Place,
    operation: str,
    ids: Mapping[str, str],
    body: Mapping[str, Any] | None = None,
    parameters: Mapping[str, str] | None = None,
) -> Json:
    """What comes of an operation; its refusals end the command."""
    with told(), open_installation(place.config, place.tenant) as here:
        record = known_pacses(here).pacs(here.scope, ArchiveName(place.pacs))
        if record is None:
            raise NotFoundError(
                f"there is no PACS `{place.pacs}`: `pacsgate pacs list` shows those that exist"
            )
        if record.is_of_file:
            live_policy(here)  # the archive's own executor lives by it: better a refusal than a wait
        check_body(operation, body)
        given = (body or {}).get("extensionFields")
        if given is not None:
            field_check(here)(here.scope.tenant, OPERATIONS[operation].entity, given)
        desk, actor = queue_desk(here), here.actor()
        asked = Asked(operation, ids, body, parameters or {})
        accepted = desk.submit.accept(here.scope, record, asked, actor)
        outcome = desk.results.wait(here.scope, record.pacs, accepted.message_id, actor, seconds=SECONDS)
        if outcome is None:
            raise UnavailableError(
                f"`{place.pacs}` has not answered within {SECONDS:g} seconds: it is done when it does"
            )
        _refuse(outcome.status, outcome.body)
        came: Json = outcome.body
        return came


def listed(
    place: Place, operation: str, name: str, ids: Mapping[str, str] = _OF_ALL
) -> list[dict[str, Json]]:
    """Every row of a list, page by page."""
    rows: list[dict[str, Json]] = []
    parameters: dict[str, str] = {}
    while True:
        page = ask(place, operation, ids, None, parameters)
        if not isinstance(page, dict):
            return rows
        found, following = page.get(name), page.get("next")
        rows += [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
        if not isinstance(following, str):
            return rows
        parameters = {"cursor": following}


def restated(
    stood: Json, form: type[AccessBody], given: Mapping[str, str | None], fields: Mapping[str, Any]
) -> dict[str, Any]:
    """What stands with what is `given` in its place, as a body: a body says everything anew."""
    if not isinstance(stood, dict):
        raise UnavailableError("the PACS tells what it has in a form that cannot be changed here")
    members = {member.alias for member in form.model_fields.values()}
    body: dict[str, Any] = {member: said for member, said in stood.items() if member in members}
    body |= {member: text for member, text in given.items() if text is not None}
    return {**body, "extensionFields": {**body.get("extensionFields", {}), **fields}}


def fields_of(given: Sequence[str] | None) -> dict[str, Any]:
    """The extension fields as they are sent.  Raises `SettingsError`."""
    found: dict[str, Any] = {}
    for each in given or ():
        name, sign, text = each.partition("=")
        if not sign:
            raise SettingsError(f"`{each}` is no `NAME=VALUE`")
        found[name] = _value(text)
    return found


def tell(told_body: Json, as_json: bool, line: str) -> None:
    """Print what came of a change; a secret is shown here and never again."""
    if as_json:
        print_json(told_body)
        return
    print_line(line)
    if isinstance(told_body, dict) and "secret" in told_body:
        print_fields({name: told_body[name] for name in ("account", "secret", "secretExpiresAt")})


def tell_fields(found: Json, *, as_json: bool) -> None:
    """Print one thing."""
    if as_json or not isinstance(found, dict):
        print_json(found)
    else:
        print_fields(found)


def tell_rows(rows: list[dict[str, Json]], columns: Sequence[str], nothing: str, *, as_json: bool) -> None:
    """Print a list."""
    if as_json:
        print_json(list(rows))
    else:
        print_table(rows, columns, nothing)


def _refuse(status: int, body: Json) -> None:
    if status < _REFUSED:
        return
    message = body.get("message") if isinstance(body, dict) else None
    why = str(message or "the PACS refused")
    if status >= _FAILED:
        raise UnavailableError(why)
    raise {_NOT_FOUND: NotFoundError(why), _CONFLICT: ConflictError(why)}.get(status, RequestError(why))


def _value(text: str) -> Any:
    """A number or truth as JSON writes it; anything else is text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int) else text
