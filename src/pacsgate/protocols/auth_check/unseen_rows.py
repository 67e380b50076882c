"""Which rows of the two dialects could pass a proxy unseen, and what that depends on.

A row that is not named here is never safe: lists below a patient, documents that the gate puts together,
everything that changes something, and whatever says in its body or query what it is about.

Called by the door that proxies ask, with what `match` of the dialect returned.

Invariants:
- only GET and HEAD;
- a query that could choose other objects than those of the path makes a row unsafe.
"""

from collections.abc import Collection
from dataclasses import dataclass

from pacsgate.model.actions import Action
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.protocols.dicomweb import routes as dicomweb
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.protocols.orthanc import routes as orthanc
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.protocols.query_string import Parameters


@dataclass(frozen=True, slots=True)
class OneObject:
    """Safe for whoever may do all this to the whole of one object."""

    actions: frozenset[Action]
    name: "ResourceKey | OrthancName"


@dataclass(frozen=True, slots=True)
class OrthancName:
    """One of Orthanc's identifiers, with the level at which the path uses it."""

    level: Level
    orthanc_id: str


@dataclass(frozen=True, slots=True)
class EveryObject:
    """Safe for whoever may do this to all objects."""

    actions: frozenset[Action]


@dataclass(frozen=True, slots=True)
class NoObject:
    """Safe for whoever may do anything: it tells nothing of any patient."""


Unseen = OneObject | EveryObject | NoObject

READING_METHODS = frozenset({"GET", "HEAD"})

_DICOMWEB_READS = frozenset(
    {
        dicomweb.Handler.RETRIEVE,
        dicomweb.Handler.METADATA,
        dicomweb.Handler.FRAMES,
        dicomweb.Handler.BULKDATA,
        dicomweb.Handler.PIXELDATA,
        dicomweb.Handler.RENDERED,
        dicomweb.Handler.THUMBNAIL,
    }
)
_DICOMWEB_PARAMETERS = frozenset({"viewport", "window", "quality", "annotation", "iccprofile"})
"""Of PS3.18 8.3.5: how an object of the path is shown."""
_ZIP = "zip"

# Not metadata, which name accounts and other objects, nor labels, of which the gate has its own.
_ORTHANC_READS = frozenset(
    {
        orthanc.Handler.RESOURCE,
        orthanc.Handler.TAGS,
        orthanc.Handler.MODULE,
        orthanc.Handler.RESOURCE_STATISTICS,
        orthanc.Handler.SLICES,
        orthanc.Handler.FRAMES,
        orthanc.Handler.FILE,
        orthanc.Handler.IMAGE,
        orthanc.Handler.ATTACHMENT,
        orthanc.Handler.ARCHIVE,
    }
)
_ORTHANC_LISTS = frozenset({orthanc.Handler.LIST, orthanc.Handler.STATISTICS})
_FORM = frozenset({"_", "short", "simplify", "full", "expand", "ignore-length"})
"""How a document is written; `_` is what jQuery adds to every request, and means nothing.

Not `requestedTags`: with it Orthanc tells whoever may search an object whatever stands in its files.
"""
# Not `width` and `height`: an Orthanc (1.10.1) dies of a picture that is too large, and the gate has bounds.
_ORTHANC_PARAMETERS = _FORM | {"returnUnsupportedImage", "quality", "smooth", "transcode"}
_ORTHANC_LIST_PARAMETERS = _FORM | {"since", "limit"}


def of_dicomweb(method: str, found: RouteMatch, parameters: Parameters, accept: str) -> Unseen | None:
    """What it takes for a request of DICOMweb to pass; `None` if nothing suffices.

    `accept` is the request's field: a zip is built to leave, and asked for at the path of the objects in it.
    """
    route = found.route
    if method not in READING_METHODS or not route.implemented or not route.needs.all_of:
        return None
    if route.handler is dicomweb.Handler.SEARCH:
        return EveryObject(route.needs.all_of)
    if route.handler not in _DICOMWEB_READS or found.key is None or _ZIP in accept.lower():
        return None
    return OneObject(route.needs.all_of, found.key) if _only(parameters, _DICOMWEB_PARAMETERS) else None


def of_orthanc(method: str, found: OrthancMatch, parameters: Parameters) -> Unseen | None:
    """What it takes for a request of Orthanc's own API to pass; `None` if nothing suffices."""
    route = found.route
    if method not in READING_METHODS:
        return None
    if route.handler is orthanc.Handler.STATIC and route.needs.any_image_action:
        return NoObject()
    if not route.needs.actions or route.needs.any_of:
        return None
    if route.handler in _ORTHANC_LISTS and found.orthanc_id is None:
        return EveryObject(route.needs.actions) if _only(parameters, _ORTHANC_LIST_PARAMETERS) else None
    if route.handler not in _ORTHANC_READS or found.orthanc_id is None or found.level is None:
        return None
    if not _only(parameters, _ORTHANC_PARAMETERS):
        return None
    return OneObject(route.needs.actions, OrthancName(found.level, found.orthanc_id))


def _only(parameters: Parameters, known: Collection[str]) -> bool:
    return all(name in known for name, _ in parameters)
