"""From a method and a path to a row of the table with its names read, or to nothing.

A name that Orthanc could never have given is answered like a resource that does not exist, as
Orthanc itself does: it is no row.

Called by the HTTP gateway with what `paths.canonical_path` returned (a slash may end it).

Invariants:
- `match` answers `None` for whatever is not in the table: unknown is denied;
- a path put together from the names is, segment by segment, the one that was matched.

Standard: Orthanc's OpenAPI document (1.10.1).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.identifiers import is_orthanc_id
from pacsgate.protocols.orthanc.routes import Route
from pacsgate.protocols.orthanc.table import ROUTES
from pacsgate.protocols.path_tree import PathTree

_Form = Callable[[str], object]
"""Whether a text has the form; only the truth of the answer counts."""


def _form(pattern: str) -> _Form:
    return re.compile(pattern).fullmatch


_UUID = _form(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_WORD = _form(r"[A-Za-z0-9_-]{1,64}")
_NAME = _form(r"[A-Za-z0-9_.-]{1,64}")
_NUMBER = _form(r"0|[1-9][0-9]{0,8}")

_FORMS: Mapping[str, tuple[str, _Form]] = {
    "id": ("orthanc_id", is_orthanc_id),
    "name": ("name", _NAME),
    "label": ("name", _WORD),
    "key": ("name", _WORD),
    "plugin": ("name", _NAME),
    "partner": ("partner", _NAME),
    "job": ("handle", _UUID),
    "query": ("handle", _UUID),
    "commitment": ("handle", is_valid_uid),
    "entry": ("handle", _NAME),
    "frame": ("frame", _NUMBER),
    "index": ("index", _NUMBER),
}
"""The attribute of a match that each variable becomes, and its form."""
_REST = _form(r"[A-Za-z0-9@_.,~+-]{1,128}")
"""A segment of a static file's path, or a tag or item number of an instance's content."""


@dataclass(frozen=True, slots=True)
class OrthancMatch:
    """A row with the names that the path put into it; what the row has no variable for is `None`.

    `name` is of metadata, an attachment, a label, a job's output or a plugin; `partner` of a modality, peer
    or DICOMweb server; `handle` of a job, a query or a storage commitment.  `frame` counts from 0.
    """

    route: Route
    orthanc_id: str | None = None
    name: str | None = None
    partner: str | None = None
    handle: str | None = None
    frame: int | None = None
    rest: tuple[str, ...] = ()
    path: str = field(default="/", kw_only=True)
    """As it may go upstream."""

    @property
    def level(self) -> Level | None:
        """The level of the one resource that is named."""
        return self.route.level if self.orthanc_id is not None else None

    @property
    def operation(self) -> str:
        """The last word of the template that is not a variable: `preview`, `store`, `shared-tags`."""
        words = (word for word in reversed(self.route.template.split("/")) if not word.startswith("{"))
        return next(words)


_TREE = PathTree(ROUTES, _FORMS.keys())


def match(method: str, path: tuple[str, ...]) -> OrthancMatch | None:
    """Find the row for a request, or `None`, which means no.  HEAD is GET whose body is not sent."""
    found = _TREE.find(method, path)
    if found is None or not all(_REST(segment) for segment in found.rest):
        return None
    texts: dict[str, str] = {}
    for variable, text in found.names:
        attribute, form = _FORMS[variable]
        if not form(text):
            return None
        texts[attribute] = text
    return OrthancMatch(
        found.row,
        texts.get("orthanc_id"),
        texts.get("name"),
        texts.get("partner"),
        texts.get("handle"),
        _number(texts.get("frame")),
        found.rest,
        path="/" + "/".join(path),
    )


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
