"""Where a search of instances stopped, as a text that its caller hands back in order to go on.

It names what the caller has been shown or may know of, and decides nothing: one that
was made up only begins the search somewhere else.

Called by `search_instances` and its doors.
"""

import base64
import binascii

import msgspec

from pacsgate.model.errors import RequestError


class SearchCursor(msgspec.Struct, frozen=True, array_like=True):
    """The last instance that was looked at, in which study, and how many visible studies are newer."""

    studies_before: int
    study_instance_uid: str
    sop_instance_uid: str

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(self)).decode("ascii")


_decoder = msgspec.msgpack.Decoder(SearchCursor)


def read_cursor(text: str) -> SearchCursor:
    """Read what a caller handed back.  Raises `RequestError`."""
    try:
        cursor = _decoder.decode(base64.b64decode(text, altchars=b"-_", validate=True))
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise RequestError("`cursor` is not one that a search gave") from None
    if not 0 <= cursor.studies_before < 2**53:
        raise RequestError("`cursor` is not one that a search gave")
    return cursor
