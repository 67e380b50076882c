"""From a method and a path to a row of the table, or to nothing.

Paths are compiled into a tree of segments.  A literal always goes before a
variable and is never reconsidered: `rendered3d` is not a series, and the UID of
the global worklist subscription is not a workitem.

Called by the HTTP gateway with what `paths.canonical_path` returned.

Invariants:
- `match` answers `None` for whatever is not in the table: unknown is denied;
- a matched UID, frame number or tag is well-formed; whether it exists is not asked here.

Standard: PS3.18 8.2 (target resources).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pacsgate.dicom.json_model import TagPath
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.dicomweb.path_variables import (
    read_ae_title,
    read_frames,
    read_tag_path,
    read_uid,
)
from pacsgate.protocols.dicomweb.routes import ROUTES, WADO_URI, Route


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
_REST = "tags*"


@dataclass(slots=True)
class _Node:
    """What may follow one prefix of a path."""

    literals: "dict[str, _Node]" = field(default_factory=dict)
    variable: "tuple[str, _Node] | None" = None
    routes: dict[str, Route] = field(default_factory=dict)
    rest: dict[str, Route] = field(default_factory=dict)


def _compile(routes: tuple[Route, ...]) -> _Node:
    root = _Node()
    for route in routes:
        node = root
        segments = route.template.split("/")[1:]
        rest = segments[-1] == f"{{{_REST}}}"
        for segment in segments[:-1] if rest else segments:
            if segment:
                node = _child(node, segment)
        owned = node.rest if rest else node.routes
        if route.method in owned:
            raise ValueError(f"two rows for `{route.method} {route.template}`")
        owned[route.method] = route
    return root


def _child(node: _Node, segment: str) -> _Node:
    if not segment.startswith("{"):
        return node.literals.setdefault(segment, _Node())
    name = segment[1:-1]
    if node.variable is None:
        if name != _FRAMES and name not in _READERS:
            raise ValueError(f"no reader for the variable `{name}`")
        node.variable = (name, _Node())
    if node.variable[0] != name:
        raise ValueError(f"`{node.variable[0]}` and `{name}` stand in the same place")
    return node.variable[1]


_TREE = _compile(tuple(route for route in ROUTES if route is not WADO_URI))


def match(method: str, path: tuple[str, ...], *, wado_uri: bool = False) -> RouteMatch | None:
    """Find the row for a request, or `None`, which means no.

    `wado_uri` says that the query holds `requestType=WADO`: then only the root
    is meant, and only with GET.  HEAD is GET whose body is not sent.  Raises
    `RequestError` when the path has the shape of a row but a malformed name in it.
    """
    method = "GET" if method == "HEAD" else method
    if wado_uri:
        return RouteMatch(WADO_URI) if method == WADO_URI.method and not path else None
    node = _TREE
    names: list[tuple[str, str]] = []
    for position, segment in enumerate(path):
        following = node.literals.get(segment)
        if following is not None:
            node = following
        elif node.variable is not None:
            name, node = node.variable
            names.append((name, segment))
        elif method in node.rest:
            return _named(node.rest[method], names, path[position:])
        else:
            return None
    route = node.routes.get(method)
    return None if route is None else _named(route, names, ())


def _named(route: Route, names: list[tuple[str, str]], rest: tuple[str, ...]) -> RouteMatch:
    if not names:
        return RouteMatch(route)
    frames: tuple[int, ...] = ()
    read: dict[str, str] = {}
    for name, text in names:
        if name == _FRAMES:
            frames = read_frames(text)
        else:
            read[name] = _READERS[name](text)
    study = read.get("study")
    key = None if study is None else ResourceKey(study, read.get("series"), read.get("instance"))
    return RouteMatch(route, key, frames, read_tag_path(rest) if rest else None)
