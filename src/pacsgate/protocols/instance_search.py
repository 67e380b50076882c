"""The parameters of a search of instances, and its answer.

| parameter | means |
| --- | --- |
| `query` | the query; without it, everything that the subject may search |
| `limit` | instances at most in one answer |
| `cursor` | as the answer before gave it: go on from there |
| `archive` | the archive; the default one otherwise |

The answer is JSON: `instances` in the DICOM JSON Model, newest study first, `cursor`
(null when everything has been looked at) and `out_of_time` (the time ended before
the page was full).

Called by the HTTP door and the command line.

Standard: PS3.18 Annex F (DICOM JSON Model).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from pacsgate.dicom.summary import DicomJson
from pacsgate.model.errors import RequestError
from pacsgate.protocols.query_string import Parameters, single_values, unknown_parameter

MAX_ROWS = 1000
"""Instances in one answer, as of a QIDO-RS search."""
ROWS = 200
"""Unless the request says otherwise; one page of the portal of Research PACS on AWS."""

_PARAMETERS = ("query", "limit", "cursor", "archive")
_LIMIT = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class InstanceSearchRequest:
    """What is asked for; the query and the cursor are still texts."""

    query: str
    limit: int
    cursor: str | None
    archive: str | None


class InstanceSearchAnswer(msgspec.Struct, frozen=True):
    """One page of instances."""

    instances: list[DicomJson]
    cursor: str | None
    out_of_time: bool


def read_instance_search(parameters: Parameters) -> InstanceSearchRequest:
    """Read the parameters.  Raises `RequestError`."""
    given = single_values(parameters)
    for name in given:
        if name not in _PARAMETERS:
            raise unknown_parameter(name, _PARAMETERS)
    limit = given.get("limit", str(ROWS))
    if not _LIMIT.fullmatch(limit) or int(limit) > MAX_ROWS:
        raise RequestError(f"`limit` is a number from 1 to {MAX_ROWS}")
    return InstanceSearchRequest(
        given.get("query", ""), int(limit), given.get("cursor"), given.get("archive")
    )


def search_answer(rows: Iterable[DicomJson], cursor: str | None, *, out_of_time: bool) -> bytes:
    """The body of an answer, each instance in tag order."""
    return msgspec.json.encode(
        InstanceSearchAnswer([dict(sorted(row.items())) for row in rows], cursor, out_of_time)
    )
