"""From a method and a path to a row of the table with its names read, or to nothing.

`rendered3d` is not a series, and the UID of the global worklist subscription is
not a workitem: a literal goes before a variable (`protocols.path_tree`).

Called by the HTTP gateway with what `paths.canonical_path` returned.

Invariants:
- `match` answers `None` for whatever is not in the table: unknown is denied;
- a matched UID, frame number or tag is well-formed; whether it exists is not asked here.

Standard: PS3.18 8.2 (target resources).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pacsgate.dicom.json_model import TagPath
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.dicomweb.path_variables import (
    read_ae_title,
    read_frames,
    read_tag_path,
    read_uid,
)
from pacsgate.protocols.dicomweb.routes import ROUTES, WADO_URI, Route
from pacsgate.protocols.path_tree import Found, PathTree


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """A row with the names that the path put into it.

    `key` is a claim about parents, to be checked against the index.  `frames`
    count from 1, as asked.  `bulkdata` is the place of one value in its instance.
    """

    route: Route
    key: ResourceKey | None = None
    frames: tuple[int, ...] = ()
    bulkdata: TagPath | None = None


_READERS: Mapping[str, Callable[[str], str]] = {
    "study": read_uid,
    "series": read_uid,
    "instance": read_uid,
    "workitem": read_uid,
    "aetitle": read_ae_title,
    "uid": read_uid,
    "transaction": read_uid,
}
_FRAMES = "frames"

_TREE = PathTree((route for route in ROUTES if route is not WADO_URI), {*_READERS, _FRAMES})


def match(method: str, path: tuple[str, ...], *, wado_uri: bool = False) -> RouteMatch | None:
    """Find the row for a request, or `None`, which means no.

    `wado_uri` says that the query holds `requestType=WADO`: then only the root
    is meant, and only with GET.  HEAD is GET whose body is not sent.  Raises
    `RequestError` when the path has the shape of a row but a malformed name in it.
    """
    if wado_uri:
        return RouteMatch(WADO_URI) if method in {"GET", "HEAD"} and not path else None
    found = _TREE.find(method, path)
    return None if found is None else _named(found)


def _named(found: Found[Route]) -> RouteMatch:
    if not found.names:
        return RouteMatch(found.row)
    frames: tuple[int, ...] = ()
    read: dict[str, str] = {}
    for name, text in found.names:
        if name == _FRAMES:
            frames = read_frames(text)
        else:
            read[name] = _READERS[name](text)
    study = read.get("study")
    key = None if study is None else ResourceKey(study, read.get("series"), read.get("instance"))
    return RouteMatch(found.row, key, frames, read_tag_path(found.rest) if found.rest else None)
