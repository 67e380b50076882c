"""The request that a proxy asks about, read as the doors would read it.

Called by `auth_check`.

Invariants:
- a path counts only if it is spelled as the gate itself would send it on: what a proxy makes of any
  other spelling is not certain.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from starlette.requests import Request

from pacsgate.gateway.http.mounts import Dialect, Mount, MountTable
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ArchiveName
from pacsgate.protocols.auth_check.questions import AskedRequest, read_question
from pacsgate.protocols.auth_check.unseen_rows import Unseen, of_dicomweb, of_orthanc
from pacsgate.protocols.dicomweb import routing as dicomweb
from pacsgate.protocols.dicomweb.wado_uri import asks_for_wado
from pacsgate.protocols.orthanc import routing as orthanc
from pacsgate.protocols.paths import DICOMWEB_ROOT, canonical_path, refuse_method_override, seen_by_archive
from pacsgate.protocols.query_string import read_query_string

PATH = "/auth/check"

ArchiveAt = Callable[[Mount], ArchiveName | None]
"""The archive at a mount, for the people of one tenant."""

_ROOTS: Mapping[Dialect, str] = {Dialect.DICOMWEB: DICOMWEB_ROOT, Dialect.ORTHANC: ""}


@dataclass(frozen=True, slots=True)
class Question:
    """A request that could pass unseen, and what that depends on; `seen` is its path to the archive."""

    asked: AskedRequest
    archive: ArchiveName
    seen: str
    unseen: Unseen


def is_about_orthanc(request: Request, mounts: MountTable) -> bool:
    """Whether the client asks for something of Orthanc's own, as far as can be told before it is known."""
    try:
        mount = mounts.find(_asked(request).raw_path)
    except RequestError:
        return False
    return mount is not None and mount.dialect is Dialect.ORTHANC


def _asked(request: Request) -> AskedRequest:
    raw_path: bytes = request.scope["raw_path"]
    prefix = PATH.encode("ascii")
    if not raw_path.startswith(prefix):
        raise RequestError("the path of the question is not spelled plainly")
    query = request.scope["query_string"]
    return read_question(request.method, raw_path[len(prefix) :], query, request.headers.items())


def read_asked(request: Request, mounts: MountTable, archive_at: ArchiveAt) -> Question | None:
    """The question; `None` about what could not pass unseen, whoever wants it.  Raises `RequestError`."""
    asked = _asked(request)
    mount = mounts.find(asked.raw_path)
    archive = None if mount is None else archive_at(mount)
    if mount is None or archive is None:
        return None
    parameters = read_query_string(asked.raw_query)
    refuse_method_override((), (name for name, _ in parameters))
    path = canonical_path(asked.raw_path[len(mount.path) :])
    if asked.raw_path != b"/".join((mount.path, *(segment.encode("ascii") for segment in path))):
        return None
    unseen: Unseen | None
    match mount.dialect:
        case Dialect.DICOMWEB:
            accept = ", ".join(request.headers.getlist("accept"))
            row = dicomweb.match(asked.method, path, wado_uri=asks_for_wado(parameters))
            unseen = None if row is None else of_dicomweb(asked.method, row, parameters, accept)
        case Dialect.ORTHANC:
            found = orthanc.match(asked.method, path)
            unseen = None if found is None else of_orthanc(asked.method, found, parameters)
        case _:
            assert_never(mount.dialect)
    if unseen is None:
        return None
    return Question(asked, archive, seen_by_archive(path, root=_ROOTS[mount.dialect]), unseen)
