"""Rows for what Orthanc keeps beside the data set of a resource: metadata, labels and attachments."""

from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.routes import (
    LEVELS,
    RETRIEVE,
    SEARCH,
    UPDATE,
    VIEW,
    Handler,
    Needs,
    Route,
)


def _metadata(word: str, level: Level) -> tuple[Route, ...]:
    every, one = f"/{word}/{{id}}/metadata", f"/{word}/{{id}}/metadata/{{name}}"
    return (
        Route(f"list-{level}-metadata", "GET", every, VIEW, level, Handler.METADATA),
        Route(f"{level}-metadata", "GET", one, VIEW, level, Handler.METADATA),
        Route(f"write-{level}-metadata", "PUT", one, UPDATE, level, Handler.WRITE_METADATA),
        Route(f"delete-{level}-metadata", "DELETE", one, UPDATE, level, Handler.WRITE_METADATA),
    )


def _labels(word: str, level: Level) -> tuple[Route, ...]:
    every, one = f"/{word}/{{id}}/labels", f"/{word}/{{id}}/labels/{{label}}"
    return (
        Route(f"list-{level}-labels", "GET", every, SEARCH, level, Handler.LABELS, since="1.12.0"),
        Route(f"{level}-label", "GET", one, SEARCH, level, Handler.LABELS, since="1.12.0"),
        Route(f"write-{level}-label", "PUT", one, UPDATE, level, Handler.WRITE_LABEL, since="1.12.0"),
        Route(f"delete-{level}-label", "DELETE", one, UPDATE, level, Handler.WRITE_LABEL, since="1.12.0"),
    )


_ATTACHMENT_READS: tuple[tuple[str, Needs], ...] = (
    # Whatever is attached may be the object itself, under a number of its own.
    ("data", RETRIEVE),
    ("compressed-data", RETRIEVE),
    ("md5", VIEW),
    ("compressed-md5", VIEW),
    ("size", VIEW),
    ("compressed-size", VIEW),
    ("is-compressed", VIEW),
    ("info", VIEW),
)


def _attachments(word: str, level: Level) -> tuple[Route, ...]:
    every, one = f"/{word}/{{id}}/attachments", f"/{word}/{{id}}/attachments/{{name}}"
    return (
        Route(f"list-{level}-attachments", "GET", every, VIEW, level, Handler.ATTACHMENT),
        Route(f"{level}-attachment-operations", "GET", one, VIEW, level, Handler.ATTACHMENT),
        *(
            Route(f"{level}-attachment-{name}", "GET", f"{one}/{name}", needs, level, Handler.ATTACHMENT)
            for name, needs in _ATTACHMENT_READS
        ),
        Route(f"verify-{level}-attachment", "POST", f"{one}/verify-md5", VIEW, level, Handler.ATTACHMENT),
        Route(f"write-{level}-attachment", "PUT", one, UPDATE, level, Handler.WRITE_ATTACHMENT),
        Route(f"delete-{level}-attachment", "DELETE", one, UPDATE, level, Handler.WRITE_ATTACHMENT),
        *(
            Route(
                f"{verb}-{level}-attachment",
                "POST",
                f"{one}/{verb}",
                UPDATE,
                level,
                Handler.WRITE_ATTACHMENT,
            )
            for verb in ("compress", "uncompress")
        ),
    )


ROUTES = tuple(
    route
    for word, level in LEVELS
    for route in (*_metadata(word, level), *_labels(word, level), *_attachments(word, level))
)
