"""What every reader of an origin's answers needs: a bound, and one error for nonsense.

Called by the modules of this package.
"""

import aiohttp

from pacsgate.model.errors import ArchiveError


def unreadable(detail: str) -> ArchiveError:
    """The origin answered something that is not what DICOMweb says."""
    return ArchiveError("the archive's answer cannot be read", detail=detail)


async def read_bounded(response: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    """The whole body.  Raises `ArchiveError` when there is more than the limit."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit_bytes:
            raise ArchiveError("the archive's answer is too large", detail=f"more than {limit_bytes} bytes")
    return bytes(body)
