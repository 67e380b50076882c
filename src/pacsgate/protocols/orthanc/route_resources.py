"""Rows for patients, studies, series and instances: lists, documents, tags and what is computed from them."""

from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.routes import (
    DELETE,
    LEVELS,
    RETRIEVE,
    SEARCH,
    UPDATE,
    VIEW,
    Handler,
    Needs,
    Route,
)

_DEPTH = {level: depth for depth, (_, level) in enumerate(LEVELS)}


def _rows(word: str, level: Level) -> tuple[Route, ...]:
    """Return the rows that all four levels have."""
    one = f"/{word}/{{id}}"
    stored = level is not Level.INSTANCE
    changed, handler = (UPDATE, Handler.MODIFY) if stored else (RETRIEVE, Handler.MODIFIED_FILE)
    return (
        Route(f"list-{word}", "GET", f"/{word}", SEARCH, level, Handler.LIST),
        Route(f"{level}-document", "GET", one, SEARCH, level, Handler.RESOURCE),
        Route(f"delete-{level}", "DELETE", one, DELETE, level, Handler.DELETE),
        Route(f"{level}-statistics", "GET", f"{one}/statistics", SEARCH, level, Handler.RESOURCE_STATISTICS),
        Route(f"{level}-module", "GET", f"{one}/module", VIEW, level, Handler.MODULE),
        Route(f"reconstruct-{level}", "POST", f"{one}/reconstruct", UPDATE, level, Handler.RECONSTRUCT),
        *(
            Route(f"{verb}-{level}", "POST", f"{one}/{verb}", changed, level, handler)
            for verb in ("modify", "anonymize")
        ),
    )


def _relatives(word: str, level: Level) -> tuple[Route, ...]:
    """Return the rows of a resource's parents (in the singular) and children (in the plural)."""
    return tuple(
        Route(
            f"{level}-{name}",
            "GET",
            f"/{word}/{{id}}/{name}",
            SEARCH,
            level,
            Handler.RELATIVES,
        )
        for other, relative in LEVELS
        if relative is not level
        for name in (relative.value if _DEPTH[relative] < _DEPTH[level] else other,)
    )


def _of_several(word: str, level: Level) -> tuple[Route, ...]:
    """Return the rows about all instances below one resource."""
    one = f"/{word}/{{id}}"
    return (
        Route(f"{level}-shared-tags", "GET", f"{one}/shared-tags", VIEW, level, Handler.TAGS),
        Route(f"{level}-instances-tags", "GET", f"{one}/instances-tags", VIEW, level, Handler.TAGS),
    )


def _instance(name: str, tail: str, needs: Needs, handler: Handler) -> Route:
    return Route(f"instance-{name}", "GET", f"/instances/{{id}}/{tail}", needs, Level.INSTANCE, handler)


_INSTANCE_ROUTES = (
    _instance("tags", "tags", VIEW, Handler.TAGS),
    _instance("simplified-tags", "simplified-tags", VIEW, Handler.TAGS),
    _instance("header", "header", VIEW, Handler.TAGS),
    _instance("content-tags", "content", VIEW, Handler.TAGS),
    _instance("content", "content/{tags*}", VIEW, Handler.TAGS),
    _instance("frames", "frames", VIEW, Handler.FRAMES),
    _instance("frame-operations", "frames/{frame}", VIEW, Handler.FRAMES),
)

_OTHER_ROUTES = (
    Route(
        "study-module-patient",
        "GET",
        "/studies/{id}/module-patient",
        VIEW,
        Level.STUDY,
        Handler.MODULE,
    ),
    Route(
        "series-ordered-slices",
        "GET",
        "/series/{id}/ordered-slices",
        VIEW,
        Level.SERIES,
        Handler.SLICES,
    ),
    Route("merge-study", "POST", "/studies/{id}/merge", UPDATE, Level.STUDY, Handler.MERGE),
    Route("split-study", "POST", "/studies/{id}/split", UPDATE, Level.STUDY, Handler.SPLIT),
    Route(
        "patient-protected",
        "GET",
        "/patients/{id}/protected",
        VIEW,
        Level.PATIENT,
        Handler.PROTECTION,
    ),
    Route(
        "protect-patient",
        "PUT",
        "/patients/{id}/protected",
        UPDATE,
        Level.PATIENT,
        Handler.PROTECTION,
    ),
    Route(
        "update-dicomweb-cache",
        "POST",
        "/studies/{id}/update-dicomweb-cache",
        UPDATE,
        Level.STUDY,
        Handler.DENIED,
        since="DICOMweb 1.15",
        note="a cache of the plugin that the gate does not read",
    ),
)

ROUTES = (
    *(route for word, level in LEVELS for route in (*_rows(word, level), *_relatives(word, level))),
    *(route for word, level in LEVELS[:-1] for route in _of_several(word, level)),
    *_INSTANCE_ROUTES,
    *_OTHER_ROUTES,
)
