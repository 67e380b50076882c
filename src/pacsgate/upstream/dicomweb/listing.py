"""What an origin says it has: searches, read page by page.

Called by `origin`.

Standard: PS3.18 10.6 (Search), Annex F (DICOM JSON).
"""

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from pacsgate.dicom.summary import DicomJson
from pacsgate.model.errors import ArchiveError, GoneError
from pacsgate.upstream.dicomweb.data_sets import first_string, read_data_set
from pacsgate.upstream.http.answers import read_bounded, unreadable
from pacsgate.upstream.http.client import OriginClient

PAGE = 500
"""Rows asked for at once; an origin may send fewer."""
_MAX_PAGE_BYTES = 64 * 1024 * 1024
_JSON = {"Accept": "application/dicom+json"}


async def search(client: OriginClient, resource: str, parameters: Mapping[str, str]) -> list[DicomJson]:
    """One page of one search."""
    try:
        async with client.request("GET", resource, headers=_JSON, parameters=parameters) as response:
            if response.status == 204:
                return []
            body = await read_bounded(response, _MAX_PAGE_BYTES)
    except GoneError:
        # A search that finds nothing is 200 or 204: here the resource itself is missing.
        raise ArchiveError("the archive cannot be searched", detail="is `url` its DICOMweb root?") from None
    try:
        rows: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise unreadable("a search result is not JSON") from None
    if not isinstance(rows, list):
        raise unreadable("a search result is not a list")
    return [read_data_set(row) for row in rows]


async def study_instance_uids(client: OriginClient) -> AsyncGenerator[str, None]:
    """Every StudyInstanceUID, in the origin's order, perhaps more than once."""
    offset = 0
    while True:
        rows = await search(client, "/studies", {"limit": str(PAGE), "offset": str(offset)})
        if not rows:
            return
        for row in rows:
            if uid := first_string(row, "0020000D"):
                yield uid
        offset += len(rows)
