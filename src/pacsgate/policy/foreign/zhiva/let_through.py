"""What the Lua filter lets through beyond what its roles are there for, and what becomes of it here.

The filter sees a method and a path and knows no operation, so reading includes the
server's own affairs, and storing includes sending away.  Requests are in the words of
Orthanc's REST API; the rows hold whatever door serves them.

Called by `reader`, for the report.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LetThrough:
    """One kind of request that members of a list could make."""

    to: str
    """The list."""
    request: str
    here: str


_EXPORT = "this is `export`, which admins have"
_SERVER = "this is about the server and no study, and admins have it"
_STATION = "this has another station look for studies, and admins have it"
_OWN = "a job is theirs who started it, and of others' admins alone know"
_UNLISTED = "what the gate does not know is denied"

LET_THROUGH: tuple[LetThrough, ...] = (
    LetThrough("viewers", "`GET /patients|studies|series/{id}/archive` and `/media`", _EXPORT),
    LetThrough("viewers", "`GET /modalities`, `/peers` and `/dicom-web/servers`", _EXPORT),
    LetThrough("viewers", "`GET /jobs` and `/jobs/{id}/archive`", _OWN),
    LetThrough("viewers", "`GET /exports`, `/tools/log-level` and `/tools/metrics-prometheus`", _SERVER),
    LetThrough("viewers", "`GET /queries`", _STATION),
    LetThrough("viewers", "`GET` any route of any plugin", _UNLISTED),
    LetThrough("editors", "`POST /modalities/{name}/store` and `/store-straight`", _EXPORT),
    LetThrough("editors", "`POST /peers/{name}/store`", _EXPORT),
    LetThrough("editors", "`POST /dicom-web/servers/{name}/stow`", _EXPORT),
    LetThrough("editors", "`POST /patients|studies|series/{id}/archive` and `/media`", _EXPORT),
    LetThrough("editors", "`POST /modalities/{name}/echo`, `/query`, `/find` and `/move`", _STATION),
    LetThrough("editors", "`POST /queries/{id}/answers/{n}/retrieve`", _STATION),
    LetThrough("editors", "`POST /dicom-web/servers/{name}/qido` and `/retrieve`", _STATION),
    LetThrough("editors", "`POST /jobs/{id}/cancel` and the like", _OWN),
    LetThrough(
        "editors",
        "`POST /studies/{id}/modify` without being viewers",
        "what one may not search does not exist, for changing too",
    ),
    LetThrough("editors", "`POST` to any route of any plugin", _UNLISTED),
    LetThrough("admins", "any request to any route of any plugin", _UNLISTED),
)
