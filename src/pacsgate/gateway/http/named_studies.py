"""The studies that a request names, noted where the edge finds them when the archive no longer has one.

Noted by the exchanges; read by `edge`.
"""

from dataclasses import dataclass

from starlette.requests import Request

from pacsgate.model.resource import ArchiveName, TenantScope

_NAMED_STUDIES = "pacsgate.studies"
"""Where they are in the request's ASGI scope."""


@dataclass(frozen=True, slots=True)
class NamedStudy:
    """A study that a request names."""

    scope: TenantScope
    archive: ArchiveName
    study_instance_uid: str


def note_studies(request: Request, *studies: NamedStudy) -> None:
    """Remember what the request was resolved to name."""
    request.scope[_NAMED_STUDIES] = named_studies(request) | frozenset(studies)


def named_studies(request: Request) -> frozenset[NamedStudy]:
    """Every study that was noted."""
    named: frozenset[NamedStudy] = request.scope.get(_NAMED_STUDIES, frozenset())
    return named
