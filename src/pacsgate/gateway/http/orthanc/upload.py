"""`POST /instances`: DICOM files, alone, in a form or in zips, each decided and stored as by STOW-RS.

The answer is Orthanc's: of one file a document, of several a list.  An object whose UIDs are
taken by another that one may search is `AlreadyStored`, as Orthanc says it of what it does not overwrite.

Called by `door`.
"""

from collections.abc import Sequence

from starlette.responses import Response

from pacsgate.dicom.summary import InstanceSummary
from pacsgate.gateway.http import answers
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.storing import refuse_who_never_stores, store_files
from pacsgate.gateway.http.uploads import Uploads
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.protocols.orthanc.upload_body import read_upload_body
from pacsgate.services.store_instances import Stored, StoreResult

_STATUS = {
    StoreResult.DUPLICATE: "AlreadyStored",
    StoreResult.REFUSED: "FilteredOut",
    StoreResult.FAILED: "Failure",
    StoreResult.MISPLACED: "Failure",
}
_REFUSED = "this account may not store this object"


async def upload(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Store what may be stored.  One file that is not is an error; of several, each has its status."""
    refused = await refuse_who_never_stores(exchange, found.route.needs.any_of)
    if refused is not None:
        return refused
    headers = exchange.request.headers
    body = read_upload_body(headers.get("content-type"), headers.get("content-encoding"))
    with Uploads(exchange.gate.spools[exchange.archive]) as uploads:
        await uploads.receive(body, exchange.request.stream())

        def work() -> tuple[bool, list[Stored | RequestError]]:
            received = list(uploads.files)
            uploads.unpack_zips()
            # A zip is answered with a list, whatever it holds.
            is_one = len(received) == 1 and uploads.files == received
            return is_one, store_files(exchange, uploads.files, None)

        is_one, outcomes = await exchange.at_archive(work)
    if is_one:
        return _answer_of_one(exchange, outcomes[0])
    stored = [one for one in outcomes if isinstance(one, Stored)]
    if not stored:
        raise RequestError("none of the files is a DICOM object")
    if all(one.result is StoreResult.REFUSED for one in stored):
        return answers.forbidden(_REFUSED)
    return exchange.json([document(one) for one in stored])


def _answer_of_one(exchange: OrthancExchange, outcome: Stored | RequestError) -> Response:
    if isinstance(outcome, RequestError):
        raise outcome
    match outcome.result:
        case StoreResult.REFUSED:
            return answers.forbidden(_REFUSED)
        case StoreResult.FAILED | StoreResult.MISPLACED:
            raise ArchiveError("the archive could not take the object")
        case StoreResult.STORED | StoreResult.DUPLICATE:
            return exchange.json(document(outcome))


def document(outcome: Stored) -> dict[str, str]:
    """What Orthanc says of one stored instance.  Its names are computed from what the client sent."""
    names = names_of(outcome.summary)
    status = _STATUS.get(outcome.result, "AlreadyStored" if outcome.was_there else "Success")
    return {**names, "Path": f"/instances/{names['ID']}", "Status": status}


def names_of(summary: InstanceSummary) -> dict[str, str]:
    """Orthanc's names of an instance and of everything above it."""
    uids = (
        summary.patient_id,
        summary.study_instance_uid,
        summary.series_instance_uid,
        summary.sop_instance_uid,
    )
    levels: Sequence[str] = ("ParentPatient", "ParentStudy", "ParentSeries", "ID")
    return {level: orthanc_id(*uids[: depth + 1]) for depth, level in enumerate(levels)}
