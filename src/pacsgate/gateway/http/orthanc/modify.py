"""modify and anonymize, of one resource, of many, or of one instance that is only downloaded.

It needs `update` on every part of each source, and `delete` too where the source is not to be kept; what
comes of it is decided like a store.  No SOPInstanceUID is kept or given, so nothing stored is overwritten.

Called by `door`.
"""

from collections.abc import Sequence

import msgspec
from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.made import Order, Preview, carry_out, judge
from pacsgate.gateway.http.orthanc.reaching import (
    MAX_LIST_BYTES,
    name_of,
    reach_each,
    reach_path,
    refuse_masked,
)
from pacsgate.gateway.http.orthanc.relay import ANSWERS, relay
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.modify_body import Modification, read_modification
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.services.resolve import Part

_IDENTIFIERS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_ANONYMIZE = frozenset({"anonymize", "bulk-anonymize"})


async def modify(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Make a new patient, study or series of the one in the path."""
    wanted = await _read(exchange, found, bulk=False)
    level, name = name_of(found)
    request = OrthancRequest("POST", found.path, body=_body(wanted), expected=ANSWERS)
    return await _make(exchange, found, wanted, request, (name,), level)


async def bulk_modify(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Make new objects of everything that the body names."""
    wanted = await _read(exchange, found, bulk=True)
    body = _body(wanted, wanted.resources)
    request = OrthancRequest("POST", found.path, body=body, expected=ANSWERS)
    return await _make(exchange, found, wanted, request, wanted.resources, None)


async def modified_file(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send one instance with changes, which are stored nowhere."""
    wanted = await _read(exchange, found, bulk=False)
    if not wanted.keep_source:
        raise RequestError("field `KeepSource`: the changed instance is sent and not stored")
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    request = OrthancRequest("POST", found.path, body=_body(wanted), expected=ANSWERS)
    refused = await refuse_masked(exchange, reached)
    return refused or await relay(exchange, reached, request, EventKind.INSTANCES_TRANSFERRED)


async def _read(exchange: OrthancExchange, found: OrthancMatch, *, bulk: bool) -> Modification:
    raw = await read_body(exchange.request, at_most=MAX_LIST_BYTES)
    wanted = read_modification(raw, anonymizes=found.operation in _ANONYMIZE, bulk=bulk)
    if not bulk and wanted.level is not None:
        raise RequestError("field `Level`: the path says at which level it is worked")
    if found.level is not Level.INSTANCE and "SOPInstanceUID" in (*wanted.keep, *wanted.replace):
        raise RequestError("`SOPInstanceUID` cannot be kept or given: what is stored is never overwritten")
    return wanted


def _body(wanted: Modification, resources: tuple[str, ...] = ()) -> bytes:
    """As it goes upstream.  A source that is not to be kept, the gate removes when all is well."""
    body = wanted.upstream(resources)
    if not wanted.job.asynchronous:
        body["KeepSource"] = True
    return msgspec.json.encode(body)


async def _make(
    exchange: OrthancExchange,
    found: OrthancMatch,
    wanted: Modification,
    request: OrthancRequest,
    names: Sequence[str],
    level: Level | None,
) -> Response:
    actions = (Action.UPDATE,) if wanted.keep_source else (Action.UPDATE, Action.DELETE)
    outcome = await reach_each(exchange, names, *actions, level=level)
    if isinstance(outcome, Response):
        return outcome
    works_at = level or wanted.level or _level_of(wanted)

    def place(part: Part) -> tuple[str | None, str | None]:
        return _uids(wanted, works_at, part)

    preview = Preview("anonymize" if wanted.anonymizes else "modify", _preview_body(wanted), place)
    held = await judge(exchange, outcome[0], preview)
    if isinstance(held, Response):
        return held
    order = Order(request, asynchronous=wanted.job.asynchronous, keeps_source=wanted.keep_source)
    return await carry_out(exchange, found, outcome, order, held)


def _preview_body(wanted: Modification) -> dict[str, object]:
    """The body that asks what one instance becomes, whoever it will be of."""
    body = wanted.upstream()
    body["Force"] = True
    body["Keep"] = [name for name in wanted.keep if name not in _IDENTIFIERS[1:]]
    return {name: value for name, value in body.items() if name not in {"Level", "Transcode", "LossyQuality"}}


def _level_of(wanted: Modification) -> Level:
    """At which level Orthanc works if nobody says it: that of the highest identifier that is given."""
    for name, level in zip(_IDENTIFIERS, Level, strict=True):
        if name in wanted.replace:
            return level
    return Level.INSTANCE


def _uids(wanted: Modification, level: Level, part: Part) -> tuple[str | None, str | None]:
    """The study and series to which what a part becomes will belong; `None` is one that nobody has yet."""
    depth = {Level.PATIENT: 0, Level.STUDY: 0, Level.SERIES: 1, Level.INSTANCE: 2}[level]
    kept = 0 if wanted.anonymizes else depth
    study = _uid(wanted, "StudyInstanceUID", part.study.study_instance_uid, kept=kept > 0)
    series = _uid(wanted, "SeriesInstanceUID", part.series.series_instance_uid, kept=kept > 1)
    return study, series


def _uid(wanted: Modification, keyword: str, own: str, *, kept: bool) -> str | None:
    given = wanted.replace.get(keyword)
    if isinstance(given, str):
        return given
    return own if kept or keyword in wanted.keep else None
