"""Rows for bytes: files, pictures, archives and media, and what brings new objects in."""

from pacsgate.model.actions import Action
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.routes import (
    BRING,
    LEVELS,
    RETRIEVE,
    TAKE_AWAY,
    VIEW,
    Handler,
    Needs,
    Route,
)

_PICTURES = ("preview", "rendered", "image-uint8", "image-uint16", "image-int16", "matlab", "numpy")
"""Of an instance (its first frame, or all for `numpy`) and of each frame."""
_ONE = "/instances/{id}"


def _image(name: str, template: str, level: Level = Level.INSTANCE) -> Route:
    return Route(name, "GET", template, VIEW, level, Handler.IMAGE)


_INSTANCE_ROUTES = (
    Route("instance-file", "GET", f"{_ONE}/file", RETRIEVE, Level.INSTANCE, Handler.FILE),
    *(_image(f"instance-{name}", f"{_ONE}/{name}") for name in _PICTURES),
    *(_image(f"frame-{name}", f"{_ONE}/frames/{{frame}}/{name}") for name in (*_PICTURES, "raw", "raw.gz")),
    _image("instance-pdf", f"{_ONE}/pdf"),
    _image("series-numpy", "/series/{id}/numpy", Level.SERIES),
    Route(
        "export-instance",
        "POST",
        f"{_ONE}/export",
        TAKE_AWAY,
        Level.INSTANCE,
        Handler.DENIED,
        note="writes to a path of the archive's own disk that the client chooses",
    ),
)

_ARCHIVE_ROUTES = tuple(
    Route(
        f"{verb}-{level}-{form}",
        method,
        f"/{word}/{{id}}/{form}",
        TAKE_AWAY,
        level,
        Handler.ARCHIVE,
    )
    for word, level in LEVELS[:-1]
    for form in ("archive", "media")
    for verb, method in (("download", "GET"), ("build", "POST"))
)

_BATCH_ROUTES = tuple(
    Route(f"{verb}-{name}", method, f"/tools/{name}", TAKE_AWAY, None, Handler.ARCHIVE, since=since)
    for name in ("create-archive", "create-media", "create-media-extended")
    for verb, method, since in (("build", "POST", "1.10"), ("download", "GET", "1.12.2"))
)

_INCOMING_ROUTES = (
    Route("upload", "POST", "/instances", BRING, None, Handler.UPLOAD),
    Route("create-dicom", "POST", "/tools/create-dicom", BRING, None, Handler.CREATE),
)

_WADO_ROUTES = (
    # Asked for `application/dicom` it needs `retrieve` as well, which the handler of DICOMweb knows.
    Route(
        "wado-uri",
        "GET",
        "/wado",
        Needs(any_of=frozenset({Action.VIEW, Action.RETRIEVE})),
        Level.INSTANCE,
        Handler.WADO_URI,
    ),
)

ROUTES = (*_INSTANCE_ROUTES, *_ARCHIVE_ROUTES, *_BATCH_ROUTES, *_INCOMING_ROUTES, *_WADO_ROUTES)
