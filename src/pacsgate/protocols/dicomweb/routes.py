"""The table: every resource of PS3.18, and what one must be allowed to do to reach it.

A request is a row of `ROUTES` or it is nothing.  A row that is not
`implemented` is authorised like any other and then answered 501, so that only
those who could have it learn that it is missing.

Compiled and matched by `routing`; read by `capabilities`, the documentation and
the tests, which hold it against a second table written by hand.

Invariants:
- no row is without actions: `ActionsNeeded` cannot be empty.

Standard: PS3.18 (2024e), the section in each row.
"""

from dataclasses import dataclass
from enum import StrEnum

from pacsgate.model.actions import ALL_ACTIONS, Action
from pacsgate.model.resource import Level
from pacsgate.protocols.dicomweb.media_types import MediaType


class Handler(StrEnum):
    """What is done for a row; the gateway has one function for each."""

    CAPABILITIES = "capabilities"
    SEARCH = "search"
    RETRIEVE = "retrieve"
    METADATA = "metadata"
    FRAMES = "frames"
    BULKDATA = "bulkdata"
    PIXELDATA = "pixeldata"
    RENDERED = "rendered"
    THUMBNAIL = "thumbnail"
    RENDERED_VOLUME = "rendered-volume"
    STORE = "store"
    DELETE = "delete"
    WADO_URI = "wado-uri"
    WORKLIST = "worklist"
    NON_PATIENT = "non-patient"
    STORAGE_COMMITMENT = "storage-commitment"


@dataclass(frozen=True, slots=True)
class ActionsNeeded:
    """Each of `all_of`, and at least one of `any_of` unless that is empty."""

    all_of: frozenset[Action] = frozenset()
    any_of: frozenset[Action] = frozenset()

    def __post_init__(self) -> None:
        if not self.all_of and not self.any_of:
            raise ValueError("a route that needs no action would be open to everybody")


@dataclass(frozen=True, slots=True)
class Route:
    """One row.  `level` is that of the rows a search returns, else that of the resource named."""

    route_id: str
    method: str
    template: str
    needs: ActionsNeeded
    level: Level | None
    handler: Handler
    standard: str
    implemented: bool = True


def _all(*actions: Action) -> ActionsNeeded:
    return ActionsNeeded(all_of=frozenset(actions))


def _any(*actions: Action) -> ActionsNeeded:
    return ActionsNeeded(any_of=frozenset(actions))


_SEARCH = _all(Action.SEARCH)
_VIEW = _all(Action.VIEW)
_RETRIEVE = _all(Action.RETRIEVE)
_TAKE_AWAY = _all(Action.RETRIEVE, Action.EXPORT)
_DELETE = _all(Action.DELETE)
_UPDATE = _all(Action.UPDATE)
_STORE = _all(Action.STORE)
_BRING = _any(Action.STORE, Action.APPEND, Action.ANNOTATE)
"""Which of the three it is, the service decides for each instance."""
_ANYTHING = ActionsNeeded(any_of=ALL_ACTIONS)

STUDY, SERIES, INSTANCE = Level.STUDY, Level.SERIES, Level.INSTANCE
_STUDY = "/studies/{study}"
_SERIES = "/studies/{study}/series/{series}"
_INSTANCE = "/studies/{study}/series/{series}/instances/{instance}"
_FRAMES = _INSTANCE + "/frames/{frames}"


def _get(
    route_id: str, template: str, needs: ActionsNeeded, level: Level | None, handler: Handler, standard: str
) -> Route:
    return Route(route_id, "GET", template, needs, level, handler, standard)


def _later(
    route_id: str,
    method: str,
    template: str,
    needs: ActionsNeeded,
    handler: Handler,
    standard: str,
    level: Level | None = None,
) -> Route:
    """Return a row that is authorised and then answered 501."""
    return Route(route_id, method, template, needs, level, handler, standard, implemented=False)


WADO_URI = _get("wado-uri", "/?requestType=WADO", _VIEW, INSTANCE, Handler.WADO_URI, "9")
"""Chosen by its query: the path is the root.  Where DICOM is asked for it needs `retrieve`: `actions_for`."""

_ROOT_ROUTES = (
    _get("retrieve-capabilities", "/", _ANYTHING, None, Handler.CAPABILITIES, "8.9.1"),
    Route("describe-capabilities", "OPTIONS", "/", _ANYTHING, None, Handler.CAPABILITIES, "8.9.1"),
    WADO_URI,
)

_RETRIEVE_ROUTES = (
    _get("retrieve-study", _STUDY, _RETRIEVE, STUDY, Handler.RETRIEVE, "10.4.1.1.1"),
    _get("retrieve-series", _SERIES, _RETRIEVE, SERIES, Handler.RETRIEVE, "10.4.1.1.1"),
    _get("retrieve-instance", _INSTANCE, _RETRIEVE, INSTANCE, Handler.RETRIEVE, "10.4.1.1.1"),
    _get("study-metadata", f"{_STUDY}/metadata", _VIEW, STUDY, Handler.METADATA, "10.4.1.1.2"),
    _get("series-metadata", f"{_SERIES}/metadata", _VIEW, SERIES, Handler.METADATA, "10.4.1.1.2"),
    _get("instance-metadata", f"{_INSTANCE}/metadata", _VIEW, INSTANCE, Handler.METADATA, "10.4.1.1.2"),
    _get("study-rendered", f"{_STUDY}/rendered", _VIEW, STUDY, Handler.RENDERED, "10.4.1.1.3"),
    _get("series-rendered", f"{_SERIES}/rendered", _VIEW, SERIES, Handler.RENDERED, "10.4.1.1.3"),
    _get("instance-rendered", f"{_INSTANCE}/rendered", _VIEW, INSTANCE, Handler.RENDERED, "10.4.1.1.3"),
    _get("frames-rendered", f"{_FRAMES}/rendered", _VIEW, INSTANCE, Handler.RENDERED, "10.4.1.1.3"),
    _get("study-thumbnail", f"{_STUDY}/thumbnail", _VIEW, STUDY, Handler.THUMBNAIL, "10.4.1.1.4"),
    _get("series-thumbnail", f"{_SERIES}/thumbnail", _VIEW, SERIES, Handler.THUMBNAIL, "10.4.1.1.4"),
    _get("instance-thumbnail", f"{_INSTANCE}/thumbnail", _VIEW, INSTANCE, Handler.THUMBNAIL, "10.4.1.1.4"),
    _get("frames-thumbnail", f"{_FRAMES}/thumbnail", _VIEW, INSTANCE, Handler.THUMBNAIL, "10.4.1.1.4"),
    _get("study-bulkdata", f"{_STUDY}/bulkdata", _VIEW, STUDY, Handler.BULKDATA, "10.4.1.1.5"),
    _get("series-bulkdata", f"{_SERIES}/bulkdata", _VIEW, SERIES, Handler.BULKDATA, "10.4.1.1.5"),
    _get("instance-bulkdata", f"{_INSTANCE}/bulkdata", _VIEW, INSTANCE, Handler.BULKDATA, "10.4.1.1.5"),
    _get("one-bulkdata", f"{_INSTANCE}/bulkdata/{{tags*}}", _VIEW, INSTANCE, Handler.BULKDATA, "10.4.1.1.5"),
    _get("study-pixeldata", f"{_STUDY}/pixeldata", _VIEW, STUDY, Handler.PIXELDATA, "10.4.1.1.6"),
    _get("series-pixeldata", f"{_SERIES}/pixeldata", _VIEW, SERIES, Handler.PIXELDATA, "10.4.1.1.6"),
    _get("instance-pixeldata", f"{_INSTANCE}/pixeldata", _VIEW, INSTANCE, Handler.PIXELDATA, "10.4.1.1.6"),
    _get("retrieve-frames", _FRAMES, _VIEW, INSTANCE, Handler.FRAMES, "10.4.1.1.6"),
)

_VOLUME_ROUTES = tuple(
    _later(
        f"{name}-{resource}", "GET", f"{parent}/{resource}", _VIEW, Handler.RENDERED_VOLUME, section, level
    )
    for resource, section, study in (
        ("renderedmpr", "10.4.1.1.7", _STUDY),
        # The standard's template for a study's 3D rendering has `series` in it and no series UID.
        ("rendered3d", "10.4.1.1.8", f"{_STUDY}/series"),
    )
    for name, parent, level in (
        ("study", study, STUDY),
        ("series", _SERIES, SERIES),
        ("instance", _INSTANCE, INSTANCE),
        ("frames", _FRAMES, INSTANCE),
    )
)

_SEARCH_ROUTES = (
    _get("search-studies", "/studies", _SEARCH, STUDY, Handler.SEARCH, "10.6.1.1"),
    _get("search-study-series", f"{_STUDY}/series", _SEARCH, SERIES, Handler.SEARCH, "10.6.1.1"),
    _get("search-study-instances", f"{_STUDY}/instances", _SEARCH, INSTANCE, Handler.SEARCH, "10.6.1.1"),
    _get("search-series", "/series", _SEARCH, SERIES, Handler.SEARCH, "10.6.1.1"),
    _get("search-series-instances", f"{_SERIES}/instances", _SEARCH, INSTANCE, Handler.SEARCH, "10.6.1.1"),
    _get("search-instances", "/instances", _SEARCH, INSTANCE, Handler.SEARCH, "10.6.1.1"),
)

_CHANGE_ROUTES = (
    Route("store", "POST", "/studies", _BRING, None, Handler.STORE, "10.5.1.1"),
    Route("store-in-study", "POST", _STUDY, _BRING, STUDY, Handler.STORE, "10.5.1.1"),
    # PS3.18 has no DELETE; these are what dcm4chee, Google and Azure agree on and dicomweb-client sends.
    Route("delete-study", "DELETE", _STUDY, _DELETE, STUDY, Handler.DELETE, "none"),
    Route("delete-series", "DELETE", _SERIES, _DELETE, SERIES, Handler.DELETE, "none"),
    Route("delete-instance", "DELETE", _INSTANCE, _DELETE, INSTANCE, Handler.DELETE, "none"),
)

_WORKITEM = "/workitems/{workitem}"
_SUBSCRIBER = f"{_WORKITEM}/subscribers/{{aetitle}}"
_WORKLIST_ROUTES = (
    _later("create-workitem", "POST", "/workitems", _UPDATE, Handler.WORKLIST, "11.4"),
    _later("search-workitems", "GET", "/workitems", _SEARCH, Handler.WORKLIST, "11.9"),
    _later("retrieve-workitem", "GET", _WORKITEM, _VIEW, Handler.WORKLIST, "11.5"),
    _later("update-workitem", "POST", _WORKITEM, _UPDATE, Handler.WORKLIST, "11.6"),
    _later("change-workitem-state", "PUT", f"{_WORKITEM}/state", _UPDATE, Handler.WORKLIST, "11.7"),
    _later("cancel-workitem", "POST", f"{_WORKITEM}/cancelrequest", _UPDATE, Handler.WORKLIST, "11.8"),
    _later("subscribe-workitem", "POST", _SUBSCRIBER, _VIEW, Handler.WORKLIST, "11.10"),
    _later("unsubscribe-workitem", "DELETE", _SUBSCRIBER, _VIEW, Handler.WORKLIST, "11.11"),
    _later("open-notifications", "GET", "/subscribers/{aetitle}", _VIEW, Handler.WORKLIST, "8.10.4"),
)

# Whoever subscribes to a worklist as a whole is sent everything about everybody from then on.
_GLOBAL_SUBSCRIPTION_ROUTES = tuple(
    _later(
        f"{verb}-{scope}",
        method,
        f"/workitems/{uid}/subscribers/{{aetitle}}{suffix}",
        _TAKE_AWAY,
        Handler.WORKLIST,
        section,
    )
    for scope, uid in (
        ("worklist", "1.2.840.10008.5.1.4.34.5"),
        ("filtered-worklist", "1.2.840.10008.5.1.4.34.5.1"),
    )
    for verb, method, suffix, section in (
        ("subscribe", "POST", "", "11.10"),
        ("unsubscribe", "DELETE", "", "11.11"),
        ("suspend", "POST", "/suspend", "11.12"),
    )
)

_NON_PATIENT_ROUTES = tuple(
    _later(f"{verb}-{name}", method, f"/{name}{suffix}", needs, Handler.NON_PATIENT, section)
    for name, search, retrieve in (
        ("color-palettes", _SEARCH, _RETRIEVE),
        ("defined-procedure-protocols", _SEARCH, _RETRIEVE),
        ("hanging-protocols", _SEARCH, _RETRIEVE),
        ("implant-templates", _SEARCH, _RETRIEVE),
        # Inventories list patients and their studies, although the standard files them under "non-patient".
        ("inventories", _TAKE_AWAY, _TAKE_AWAY),
    )
    for verb, method, suffix, needs, section in (
        ("search", "GET", "", search, "12.6"),
        ("retrieve", "GET", "/{uid}", retrieve, "12.4"),
        ("store", "POST", "", _STORE, "12.5"),
        ("store-one", "POST", "/{uid}", _STORE, "12.5"),
    )
)

# The answer tells which instances exist, so asking is searching.
_COMMITMENT_ROUTES = (
    _later(
        "request-commitment",
        "POST",
        "/commitment-requests/{transaction}",
        _SEARCH,
        Handler.STORAGE_COMMITMENT,
        "13.4",
    ),
    _later(
        "check-commitment",
        "GET",
        "/commitment-requests/{transaction}",
        _SEARCH,
        Handler.STORAGE_COMMITMENT,
        "13.5",
    ),
)

ROUTES: tuple[Route, ...] = (
    *_ROOT_ROUTES,
    *_RETRIEVE_ROUTES,
    *_VOLUME_ROUTES,
    *_SEARCH_ROUTES,
    *_CHANGE_ROUTES,
    *_WORKLIST_ROUTES,
    *_GLOBAL_SUBSCRIPTION_ROUTES,
    *_NON_PATIENT_ROUTES,
    *_COMMITMENT_ROUTES,
)


def actions_for(route: Route, media: MediaType) -> ActionsNeeded:
    """Return what a row needs when its answer will be in this media type.

    One path serves several purposes: a zip is built to leave, and WADO-URI
    hands out either a picture or the DICOM object.
    """
    if route.handler is Handler.RETRIEVE and media is MediaType.ZIP:
        return _TAKE_AWAY
    if route.handler is Handler.WADO_URI and media is MediaType.DICOM:
        return _RETRIEVE
    return route.needs
