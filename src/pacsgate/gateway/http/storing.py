"""Received files on their way into the archive: what can be read is stored, what cannot is told apart.

Called by `dicomweb.store` and `orthanc.upload`.
"""

from collections.abc import Iterable, Sequence

from starlette.responses import Response

from pacsgate.dicom.summarise import read_summary
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.policy.engine import Bound
from pacsgate.services.resolve import Answer, Refusal
from pacsgate.services.store_instances import Spooled, Stored
from pacsgate.upstream.spool import SpooledFile


async def refuse_who_never_stores(exchange: Exchange, any_of: Iterable[Action]) -> Response | None:
    """The recorded refusal of who may bring nothing at all, before the body is read."""
    bound = await exchange.in_thread(exchange.bind)
    never = [bound.could(action) for action in sorted(any_of)]
    denied = [deny for deny in never if deny is not None]
    if len(denied) < len(never):
        return None
    refusal = Refusal(Answer.FORBIDDEN, denied[0].reasons, denied[0].revision, denied[0].message)
    return await exchange.refuse(refusal, bound, action=None)


def store_files(
    exchange: Exchange, files: Sequence[SpooledFile], study_instance_uid: str | None
) -> list[Stored | RequestError]:
    """What became of each file, in order.  Blocking; one that cannot be read is an error by itself."""
    read = [_spooled(file) for file in files]
    # Bound anew: receiving a large body takes time, and what was revoked meanwhile is revoked.
    bound: Bound = exchange.bind()
    stored = exchange.gate.store.store(
        exchange.scope,
        exchange.archive,
        [one for one in read if isinstance(one, Spooled)],
        exchange.subject,
        bound,
        exchange.circumstances(bound),
        study_instance_uid,
    )
    exchange.gate.store.end_series(
        exchange.scope, exchange.archive, stored, exchange.subject, exchange.context
    )
    outcomes = iter(stored)
    return [next(outcomes) if isinstance(one, Spooled) else one for one in read]


def _spooled(file: SpooledFile) -> Spooled | RequestError:
    with file.path.open("rb") as source:
        try:
            return Spooled(read_summary(source), file.path, file.size, file.digest)
        except RequestError as unreadable:
            return unreadable
