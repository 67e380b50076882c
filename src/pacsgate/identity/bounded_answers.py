"""The body of an HTTP answer, bounded in size and time: whoever is asked outside may be slow, or no friend.

Called by `certificates.asking` and `assertions.outside`, in threads that may wait.
"""

import time
from http.client import HTTPResponse

SILENCE_SECONDS = 5.0
"""Between two pieces."""
ANSWER_SECONDS = 10.0
_PIECE = 1 << 16


def read_whole(answer: HTTPResponse, *, largest: int) -> bytes | None:
    """The body, unless it is too long, takes too long or is cut short."""
    deadline = time.monotonic() + ANSWER_SECONDS
    found = bytearray()
    while piece := answer.read1(_PIECE):
        found += piece
        if len(found) > largest or time.monotonic() > deadline:
            return None
    return None if answer.length else bytes(found)
