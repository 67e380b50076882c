"""Lists, finds, counts and look-ups: what there is, as far as the subject may search it.

The index says which rows there are; with `expand`, each becomes its document.  A row's
key is resolved again for that, so that a document holds what a check allows at that moment.

Called by `door`.

Invariants:
- the record of a search is durable before its answer leaves.
"""

import secrets
from functools import partial

from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.dicom.attributes import level_of
from pacsgate.dicom.query import Query, SingleValue, UidList
from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.orthanc.data_sets import DataSets
from pacsgate.gateway.http.orthanc.documents import MOST_DOCUMENTS, Documents, documents_of
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.model.actions import Action
from pacsgate.model.decision import Reason
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.policy.engine import Bound
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.arguments import LIST_ARGUMENTS, Page, read_arguments, read_flag, read_page
from pacsgate.protocols.orthanc.changes import CHANGED_LEVELS
from pacsgate.protocols.orthanc.find_body import Find, read_count, read_find
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.services.orthanc_lists import Listing, OrthancLists
from pacsgate.services.orthanc_visible import Visible, visible
from pacsgate.services.orthanc_walk import Asked, Row
from pacsgate.services.resolve import Part, Reach, Refusal, reach_among

MOST_ROWS = 100_000
"""In one answer: more must be asked for page by page."""
_MOST_UIDS = 200
"""Of series and instances in one search."""
_MOST_BYTES = 64 * 1024
"""Of a search's body."""


async def listed(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send a list of patients, studies, series or instances."""
    arguments = read_arguments(exchange.parameters, LIST_ARGUMENTS)
    level = found.route.level
    if level is None:
        raise TypeError("a row of a list has a level")
    asked = Asked(level, Query(Level.STUDY))
    documents = documents_of(exchange, arguments) if read_flag(arguments, "expand") else None
    query = exchange.request.url.query
    said = f"{found.path}?{query}" if query else found.path
    return await _answer(exchange, asked, read_page(arguments), documents, said)


async def find(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send what a search finds."""
    body = await read_body(exchange.request, at_most=_MOST_BYTES)
    wanted = read_find(body)
    documents = Documents(DataSets(exchange), wanted.form, wanted.requested) if wanted.expand else None
    asked = await _asked(exchange, wanted)
    return await _answer(exchange, asked, wanted.page, documents, _said(found, body))


async def count(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send how many rows a search has."""
    body = await read_body(exchange.request, at_most=_MOST_BYTES)
    asked = await _asked(exchange, read_count(body))

    def work() -> tuple[Bound, int | Refusal]:
        bound = exchange.bind()
        lists = OrthancLists(exchange.gate.search)
        return bound, lists.count(exchange.scope, exchange.archive, asked, bound)

    bound, counted = await exchange.in_thread(work)
    if isinstance(counted, Refusal):
        return await exchange.refuse(counted, bound, action=Action.SEARCH)
    await record_search(exchange, bound, _said(found, body), count=counted)
    return exchange.json({"Count": counted})


async def _asked(exchange: OrthancExchange, wanted: Find) -> Asked:
    """What a search asks for; in a parent that is hidden or missing, nothing is found."""
    for key in wanted.query.match:
        if level_of(key.keyword) is None:
            raise RequestError(
                f"`{key.keyword}` is not in the gate's index: nothing is found by it", status=501
            )
    parents = None
    if wanted.parent is not None:
        parents = await exchange.at_archive(partial(_within, exchange, *wanted.parent))
    elif uids := _parts_named(wanted.query):
        parents = await _holding(exchange, uids)
    return Asked(wanted.level, wanted.query, parents)


def _within(exchange: OrthancExchange, level: Level, identifier: str) -> tuple[ResourceKey, ...]:
    # What is hidden must take what is missing takes, so nothing is asked but what both are asked.
    reach = exchange.reach_here(level, identifier, Action.SEARCH, exchange.bind())
    if isinstance(reach, Refusal):
        return ()
    named = exchange.gate.names.resolve(exchange.scope, exchange.archive, level, identifier)
    return () if named is None else named.keys


def _parts_named(query: Query) -> tuple[str, ...]:
    """The UIDs of series or instances in one of which everything that is wanted lies; none if any may do."""
    named = (key.matching for key in query.match if key.path[-1] in {"SOPInstanceUID", "SeriesInstanceUID"})
    for matching in named:
        match matching:
            case SingleValue(uid):
                return (uid,)
            case UidList(uids):
                return uids
    return ()


async def _holding(exchange: OrthancExchange, uids: tuple[str, ...]) -> tuple[ResourceKey, ...]:
    """The studies that hold some series or instances, which Orthanc alone finds without a walk."""
    if len(uids) > _MOST_UIDS:
        raise RequestError(f"`Query` names more than {_MOST_UIDS} series or instances", status=413)
    found = [row for uid in uids for row in await looked_up(exchange, uid)]

    def work() -> tuple[ResourceKey, ...]:
        names = (exchange.gate.names.resolve(exchange.scope, exchange.archive, *row) for row in found)
        keys = (key for named in names if named is not None for key in named.keys)
        studies = (ResourceKey(key.study_instance_uid, patient_id=key.patient_id) for key in keys)
        # A name that nobody has, so that what is missing is looked for as what is hidden is.
        return tuple(dict.fromkeys(studies)) or (ResourceKey(secrets.token_hex(16)),)

    return await exchange.at_archive(work)


async def looked_up(exchange: OrthancExchange, identifier: str) -> list[tuple[Level, str]]:
    """The level and name of everything that Orthanc has under an identifier, hidden things among it.

    Raises `RequestError` for a pattern, which names no one thing.
    """
    if "*" in identifier or "?" in identifier:
        raise RequestError("an identifier with `*` or `?` in it is a pattern: search for it by PatientID")
    request = OrthancRequest("POST", "/tools/lookup", body=identifier.encode())
    known = await exchange.ask_json(request)
    return [
        (CHANGED_LEVELS[each["Type"]], str(each["ID"]))
        for each in (known if isinstance(known, list) else ())
        if each["Type"] in CHANGED_LEVELS
    ]


async def _answer(
    exchange: OrthancExchange, asked: Asked, page: Page, documents: Documents | None, said: str
) -> Response:
    most = MOST_ROWS if documents is None else MOST_DOCUMENTS

    def work() -> tuple[Bound, Listing | Refusal]:
        bound = exchange.bind()
        limit = most + 1 if page.limit is None else min(page.limit, most + 1)
        lists = OrthancLists(exchange.gate.search)
        return bound, lists.page(
            exchange.scope, exchange.archive, asked, bound, since=page.since, limit=limit
        )

    bound, found = await exchange.in_thread(work)
    if isinstance(found, Refusal):
        return await exchange.refuse(found, bound, action=Action.SEARCH)
    if len(found.rows) > most:
        raise RequestError(f"there are more than {most}: ask for pages with `since` and `limit`", status=413)
    told: object = [row.orthanc_id for row in found.rows]
    if documents is not None:
        told = await documents.of_each(await exchange.at_archive(partial(_reached, exchange, bound, found)))
    response = exchange.json(told)
    await record_search(exchange, bound, said, found.reasons, count=len(found.rows), size=len(response.body))
    return response


def _reached(exchange: OrthancExchange, bound: Bound, listing: Listing) -> list[Visible]:
    """What is visible of each row; of one that is gone by now there is nothing."""
    every = (_reach(exchange, bound, row) for row in listing.rows)
    return [found for found in every if found is not None]


def _reach(exchange: OrthancExchange, bound: Bound, row: Row) -> Visible | None:
    gate = exchange.gate
    keys: tuple[ResourceKey, ...] = (row.key,)
    if row.level is Level.PATIENT:
        named = gate.names.resolve(exchange.scope, exchange.archive, row.level, row.orthanc_id)
        keys = () if named is None else named.keys
    parts: list[Part] = []
    for key in keys:
        fresh = gate.freshness.studies(exchange.scope, exchange.archive, key.study_instance_uid)
        reach = reach_among(fresh.studies, key, Action.SEARCH, bound)
        parts += reach.parts if isinstance(reach, Reach) else ()
    return visible(row.level, row.orthanc_id, tuple(parts), studies=len(keys)) if parts else None


def _said(found: OrthancMatch, body: bytes) -> str:
    """A search as the trail keeps it."""
    return f"{found.path} {body.decode('utf-8', errors='replace')}"


async def record_search(
    exchange: OrthancExchange,
    bound: Bound,
    said: str,
    reasons: tuple[Reason, ...] = (),
    *,
    count: int,
    size: int | None = None,
) -> None:
    """Make the event of a search durable, before its answer leaves."""
    event = exchange.circumstances(bound).event(
        EventKind.QUERY, action=Action.SEARCH, query=said, reasons=reasons, count=count, bytes_sent=size
    )
    await exchange.record(event)
