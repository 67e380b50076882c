"""STOW-RS: who may bring nothing at all is refused before the body is read.

Standard: PS3.18 section 10.5 (Store Transaction).
"""

from collections.abc import Mapping

from starlette.responses import Response

from pacsgate.dicom.xml_model import to_native_xml
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.storing import refuse_who_never_stores, store_files
from pacsgate.gateway.http.uploads import Uploads
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.dicomweb.data_sets import write_json_object
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.protocols.dicomweb.store_request import read_store_body
from pacsgate.protocols.dicomweb.store_response import (
    FailureReason,
    NotStored,
    Stored,
    store_response,
    store_status,
)
from pacsgate.protocols.dicomweb.store_response import StoreResult as StoreAnswer
from pacsgate.services.store_instances import Stored as Outcome
from pacsgate.services.store_instances import StoreResult
from pacsgate.upstream.spool import SpooledFile

_REASONS: Mapping[StoreResult, FailureReason] = {
    StoreResult.REFUSED: FailureReason.NOT_AUTHORIZED,
    StoreResult.DUPLICATE: FailureReason.DUPLICATE_SOP_INSTANCE,
    StoreResult.FAILED: FailureReason.PROCESSING_FAILURE,
    StoreResult.MISPLACED: FailureReason.DATA_SET_DOES_NOT_MATCH,
}
_TOO_LARGE = FailureReason.OUT_OF_RESOURCES


async def store(exchange: Exchange, found: RouteMatch) -> Response:
    """Store what may be stored; the answer names each object with what became of it."""
    representation = exchange.representations(found)[0]
    refused = await refuse_who_never_stores(exchange, found.route.needs.any_of)
    if refused is not None:
        return refused
    headers = exchange.request.headers
    body = read_store_body(headers.get("content-type"), headers.get("content-encoding"))
    with Uploads(exchange.gate.spools[exchange.archive]) as uploads:
        await uploads.receive(body, exchange.request.stream())
        results = await exchange.at_archive(lambda: _store(exchange, found.key, uploads.files))
    answer = store_response(results, exchange.root)
    if representation.media is MediaType.DICOM_XML:
        content = to_native_xml(answer)
    else:
        content = write_json_object(answer)
    return Response(
        content,
        status_code=store_status(results),
        headers={"Cache-Control": "no-store", "Content-Type": representation.media.value},
    )


def _store(exchange: Exchange, key: ResourceKey | None, files: list[SpooledFile]) -> list[StoreAnswer]:
    outcomes = store_files(exchange, files, None if key is None else key.study_instance_uid)
    return [_unread(one) if isinstance(one, RequestError) else _result(one) for one in outcomes]


def _unread(unreadable: RequestError) -> NotStored:
    return NotStored(_TOO_LARGE if unreadable.status == 413 else FailureReason.CANNOT_UNDERSTAND)


def _result(outcome: Outcome) -> Stored | NotStored:
    summary = outcome.summary
    if outcome.result is StoreResult.STORED:
        key = ResourceKey(summary.study_instance_uid, summary.series_instance_uid, summary.sop_instance_uid)
        return Stored(key, summary.sop_class_uid)
    return NotStored(_REASONS[outcome.result], summary.sop_class_uid, summary.sop_instance_uid)
