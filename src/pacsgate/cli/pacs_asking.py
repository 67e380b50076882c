"""What a command asks of a PACS: submitted like any request, and waited for.

Whoever works at the command line of the installation needs no permission; what they ask for goes the way of
all requests, to the gate's own archives or through the queue to an agent.

Called by `identities` and `visits`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pacsgate.bootstrap.executors import field_check
from pacsgate.bootstrap.pacs_queue import queue_desk
from pacsgate.bootstrap.tenancy import known_pacses
from pacsgate.cli.failures import told
from pacsgate.cli.installation import open_installation
from pacsgate.cli.printing import Json, print_fields, print_json, print_line, print_table
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError, SettingsError, UnavailableError
from pacsgate.model.pacs_operation import OPERATIONS
from pacsgate.model.resource import ArchiveName
from pacsgate.protocols.access.bodies import check_body
from pacsgate.services.pacs_queue.submit import Asked

SECONDS = 10.0
"""How long a command waits for an agent."""

Pacs = Annotated[str, typer.Option(help="The PACS.")]
Tenant = Annotated[str, typer.Option(help="The tenant whose it is.")]
Fields = Annotated[
    list[str] | None, typer.Option("--field", help="An extension field, `NAME=VALUE`; may be repeated.")
]
Unit = Annotated[str, typer.Argument(help="The access unit, as `pacsgate identity units` lists them.")]
Format = Annotated[str, typer.Option("--format", help="Its format, such as `login` or `token`.")]
Value = Annotated[str | None, typer.Option(help="What stands on the card, for formats that take a value.")]

_NOT_FOUND, _CONFLICT, _REFUSED, _FAILED = 404, 409, 400, 500


def ask(
    config: Path,
    tenant: str,
    pacs: str,
    operation: str,
    body: Mapping[str, Any] | None = None,
    parameters: Mapping[str, str] | None = None,
    **ids: str,
) -> Json:
    """What comes of an operation; its refusals end the command."""
    with told(), open_installation(config, tenant) as here:
        record = known_pacses(here).pacs(here.scope, ArchiveName(pacs))
        if record is None:
            raise NotFoundError(f"there is no PACS `{pacs}`: `pacsgate pacs list` shows those that exist")
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
                f"the agent of `{pacs}` has not answered within {SECONDS:g} seconds: it is done when it does"
            )
        _refuse(outcome.status, outcome.body)
        came: Json = outcome.body
        return came


def listed(
    config: Path, tenant: str, pacs: str, operation: str, name: str, **ids: str
) -> list[dict[str, Json]]:
    """Every row of a list, page by page."""
    rows: list[dict[str, Json]] = []
    parameters: dict[str, str] = {}
    while True:
        page = ask(config, tenant, pacs, operation, None, parameters, **ids)
        if not isinstance(page, dict):
            return rows
        found, following = page.get(name), page.get("next")
        rows += [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
        if not isinstance(following, str):
            return rows
        parameters = {"cursor": following}


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
