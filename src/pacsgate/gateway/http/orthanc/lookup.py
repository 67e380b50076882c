"""What Orthanc knows under an identifier of DICOM's, and what has changed in it: as much as one may search.

Orthanc is asked, because it alone knows under which UIDs it has series and instances, and when something
changed; of its answer, what the subject may not search is left out.

Called by `door`.

Invariants:
- what is hidden is in no answer, and a page of changes is no shorter in time for it;
- of what is partly hidden, no change is told that may have been one of the hidden part;
- an attribute that is masked for somebody finds nothing for them.
"""

import secrets

from starlette.responses import Response

from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.lists import looked_up, record_search
from pacsgate.model.actions import Action
from pacsgate.model.errors import ArchiveError
from pacsgate.model.resource import Level
from pacsgate.policy.engine import Bound
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.arguments import read_arguments, read_flag, read_position
from pacsgate.protocols.orthanc.changes import changed_resources, found_identifier, reduced_changes
from pacsgate.protocols.orthanc.resource_lists import read_lookup
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.services.orthanc_visible import Visible, visible
from pacsgate.services.resolve import Reach

_MOST_BYTES = 1024
"""Of what is looked up: a UID has 64 characters, a PatientID too."""
_PAGE = 100
"""Changes in a page for which nobody said how long it is: Orthanc's own default."""
_LONGEST_PAGE = 1000


async def lookup(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send what has a PatientID, a UID or an accession number."""
    read_arguments(exchange.parameters, ())
    body = await read_body(exchange.request, at_most=_MOST_BYTES)
    wanted = read_lookup(body)
    rows = await looked_up(exchange, wanted)

    def work() -> tuple[Bound, list[dict[str, str]]]:
        bound = exchange.bind()
        if not rows:
            # What is hidden costs a look into the index, and so must what is missing.
            exchange.gate.index.studies(exchange.scope, exchange.archive, secrets.token_hex(16))
        seen = ((row, _seen(exchange, bound, *row)) for row in rows)
        return bound, [found_identifier(*row) for row, found in seen if found and _finds(found, wanted)]

    bound, told = await exchange.at_archive(work)
    response = exchange.json(told)
    await record_search(exchange, bound, f"{found.path} {wanted}", count=len(told), size=len(response.body))
    return response


async def changes(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send a page of the changes to what the subject may search."""
    arguments = read_arguments(exchange.parameters, ("since", "limit", "last"))
    limit = min(read_position(arguments, "limit", _PAGE) or _PAGE, _LONGEST_PAGE)
    query = (
        (("last", ""),)
        if read_flag(arguments, "last")
        else (("since", str(read_position(arguments, "since"))), ("limit", str(limit)))
    )
    page = await exchange.ask_json(OrthancRequest("GET", "/changes", query))
    if not isinstance(page, dict):
        raise ArchiveError("the archive answered with what is no page of changes")

    def work() -> tuple[Bound, dict[str, bool]]:
        bound = exchange.bind()
        seen = ((name, _seen(exchange, bound, level, name)) for level, name in changed_resources(page))
        return bound, {name: found.is_whole for name, found in seen if found is not None}

    bound, searchable = await exchange.at_archive(work)
    told = reduced_changes(page, searchable)
    response = exchange.json(told)
    said = f"{found.path}?{exchange.request.url.query}"
    await record_search(exchange, bound, said, count=len(told["Changes"]), size=len(response.body))
    return response


def _seen(exchange: OrthancExchange, bound: Bound, level: Level, identifier: str) -> Visible | None:
    """What the subject may search of something that Orthanc named; nothing if that is gone."""
    gate = exchange.gate
    named = gate.names.resolve(exchange.scope, exchange.archive, level, identifier)
    if named is None:
        return None
    reach = gate.orthanc_reach.among_studies(exchange.scope, exchange.archive, named, Action.SEARCH, bound)
    if not isinstance(reach, Reach):
        return None
    return visible(level, identifier, reach.parts, studies=len(named.keys))


def _finds(found: Visible, wanted: str) -> bool:
    """Whether the attribute by which Orthanc found it may be known."""
    match found.level:
        case Level.PATIENT:
            return not found.mask.hides("PatientID")
        case Level.STUDY:
            uid = found.parts[0].study.study_instance_uid
            return uid == wanted or not found.mask.hides("AccessionNumber")
        case _:
            return True
