"""`pacsgate search`: instances by a query over their data sets, as one user would find them."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from pacsgate.audit.events import EventKind
from pacsgate.cli.failures import FAILED, told
from pacsgate.cli.installation import Installation, named_archive, open_installation
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, print_line, print_table
from pacsgate.dicom.attributes import tag_of
from pacsgate.identity.subjects import subject_of
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.errors import NotFoundError
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.subject import Credential, Subject
from pacsgate.policy.instance_query.reading import read_query
from pacsgate.protocols.instance_search import MAX_ROWS, ROWS, search_answer
from pacsgate.services.record import Circumstances
from pacsgate.services.resolve import Refusal
from pacsgate.services.search_cursor import read_cursor
from pacsgate.services.search_instances import InstanceFindings

_COLUMNS = ("StudyDate", "PatientID", "PatientName", "Modality", "SeriesDescription", "SOPInstanceUID")

Query = Annotated[str, typer.Argument(help="Such as `Modality StrEquals CT AND KVP NbLess 100`.")]
User = Annotated[str, typer.Option("--user", help="Whose view of the archive to search.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=MAX_ROWS, help="Instances at most.")]
Cursor = Annotated[str | None, typer.Option("--cursor", help="Go on where a search stopped.")]
Seconds = Annotated[float, typer.Option("--seconds", min=0.1, help="How long to search.")]
Archive = Annotated[str | None, typer.Option("--archive", help="The archive; the default one otherwise.")]


def search(
    query: Query,
    user: User,
    limit: Limit = ROWS,
    cursor: Cursor = None,
    seconds: Seconds = 60.0,
    archive: Archive = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List instances that match a query, among those that a user may search; exit 1 if there is none."""
    with told(), open_installation(config, tenant) as installation:
        asked = read_query(query)
        name = named_archive(installation, archive)
        subject = _subject(installation, user)
        context = Context(now=installation.clock.now(), request_id="cli")
        bound = installation.policies.bind(installation.scope, subject, context, name)
        found = installation.search_instances.find(
            installation.scope,
            name,
            asked,
            bound,
            limit=limit,
            seconds=seconds,
            cursor=None if cursor is None else read_cursor(cursor),
        )
        _record(installation, context, name, query, user, found)
    if isinstance(found, Refusal):
        sys.stderr.write(f"`{user}` may not search\n")
        raise typer.Exit(FAILED)
    _print(found, as_json=as_json)
    if not found.rows:
        raise typer.Exit(FAILED)


def _subject(installation: Installation, name: str) -> Subject:
    record = installation.stores.directory.user(installation.scope, name)
    if record is None:
        raise NotFoundError(f"no user is called `{name}`; `pacsgate user list` shows those that exist")
    return subject_of(
        record, installation.scope.tenant, Credential.LOCAL, authenticated_at=installation.clock.now()
    )


def _record(
    installation: Installation,
    context: Context,
    archive: ArchiveName,
    query: str,
    user: str,
    found: InstanceFindings | Refusal,
) -> None:
    """Before anything is shown: the operator searched, with this user's eyes."""
    circumstances = Circumstances(
        context, installation.actor(), installation.scope.tenant, archive, found.revision
    )
    event = (
        circumstances.denial(found.reasons, action=Action.SEARCH, details={"as": user})
        if isinstance(found, Refusal)
        else circumstances.event(
            EventKind.QUERY,
            action=Action.SEARCH,
            query=query,
            reasons=found.reasons,
            count=len(found.rows),
            details={"as": user},
        )
    )
    installation.trail.record(event)


def _print(found: InstanceFindings, *, as_json: bool) -> None:
    cursor = None if found.cursor is None else str(found.cursor)
    if as_json:
        body = search_answer((row.attributes for row in found.rows), cursor, out_of_time=found.out_of_time)
        print_line(body.decode())
        return
    print_table([_row(row.attributes) for row in found.rows], _COLUMNS, "Nothing was found.")
    if cursor is not None:
        why = "The time is over" if found.out_of_time else "There may be more"
        print_line(f"{why}: go on with --cursor {cursor}")


def _row(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Json]:
    return {keyword: _shown(attributes.get(tag_of(keyword), {}).get("Value", ())) for keyword in _COLUMNS}


def _shown(values: Any) -> str | None:
    value = values[0] if values else None
    return value.get("Alphabetic") if isinstance(value, Mapping) else value
