"""Where a C-MOVE may send to: into this archive, and to nobody else.

An archive that is asked to send somewhere else does so with its own rights, past every policy here, and
past its own idea of who asks.

Called by the handlers of remote requests.
"""

from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.ports.orthanc import OrthancRequest


async def require_here(exchange: OrthancExchange, target: str | None) -> str | None:
    """The target, if it is this archive's own AE title or none.  Raises `RequestError` 403 otherwise."""
    if target is None:
        return None
    system = await exchange.ask_json(OrthancRequest("GET", "/system"))
    title = system.get("DicomAet") if isinstance(system, dict) else None
    if not isinstance(title, str):
        raise ArchiveError("the archive does not say what its AE title is")
    if target.strip() != title:
        raise RequestError("other archives are asked to send here and nowhere else", status=403)
    return target
