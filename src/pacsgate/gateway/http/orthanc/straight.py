"""`store-straight`: an object that the client brings along is sent to a partner, past the archive.

Called by `door`.

Standard: PS3.15 A.5.3.6 (Data Export).
"""

from starlette.responses import Response

from pacsgate.audit.events import AuditEvent, EventKind, Outcome
from pacsgate.dicom.summarise import read_summary
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.uploads import Uploads
from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Deny
from pacsgate.model.errors import PacsgateError, RequestError
from pacsgate.policy.engine import Bound
from pacsgate.ports.orthanc import JOB_SECONDS, OrthancRequest
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.protocols.orthanc.upload_body import read_upload_body
from pacsgate.services.judge_export import judge_export
from pacsgate.services.record import Circumstances, stored_objects
from pacsgate.services.resolve import Answer, Refusal
from pacsgate.upstream.spool import SpooledFile


async def send_straight(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send the object in the body to the partner in the path, if it may be exported."""
    headers = exchange.request.headers
    body = read_upload_body(headers.get("content-type"), headers.get("content-encoding"))
    with Uploads(exchange.gate.spools[exchange.archive]) as uploads:
        await uploads.receive(body, exchange.request.stream())
        if len(uploads.files) > 1:
            raise RequestError("objects are sent on one at a time")
        (file,) = uploads.files

        def work() -> tuple[InstanceSummary, Bound, Allow | Deny]:
            with file.path.open("rb") as source:
                summary = read_summary(source)
            bound = exchange.bind()
            decided = judge_export(exchange.gate.freshness, exchange.scope, exchange.archive, summary, bound)
            return summary, bound, decided

        summary, bound, decided = await exchange.at_archive(work)
        if isinstance(decided, Deny):
            refusal = Refusal(Answer.FORBIDDEN, decided.reasons, decided.revision, decided.message)
            return await exchange.refuse(
                refusal, bound, action=Action.EXPORT, study_instance_uid=summary.study_instance_uid
            )
        circumstances = exchange.circumstances(bound)
        return await _send(exchange, found, file, summary, circumstances, decided)


async def _send(
    exchange: OrthancExchange,
    found: OrthancMatch,
    file: SpooledFile,
    summary: InstanceSummary,
    circumstances: Circumstances,
    allowed: Allow,
) -> Response:
    def event(phase: str) -> AuditEvent:
        (study,) = stored_objects([summary])
        return circumstances.event(
            EventKind.DATA_EXPORTED,
            outcome=Outcome.MINOR if phase == "broken" else Outcome.SUCCESS,
            action=Action.EXPORT,
            study=study,
            reasons=allowed.reasons,
            recipient=f"{found.route.template.split('/')[1]}:{found.partner}",
            count=1,
            bytes_sent=None if phase == "begun" else file.size,
            details={"phase": phase, "media": "network"},
        )

    await exchange.record(event("begun"))
    try:
        request = OrthancRequest("POST", found.path, body=file.path, patience_seconds=JOB_SECONDS)
        answer = await exchange.ask_json(request)
    except PacsgateError:
        await exchange.record(event("broken"))
        raise
    await exchange.record(event("complete"))
    return exchange.json(answer)
