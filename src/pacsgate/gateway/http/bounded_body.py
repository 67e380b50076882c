"""A small request body, read whole: bounded in bytes, and in the time that a sender may pause.

Called by the doors whose requests are documents, not objects.
"""

import anyio
from starlette.requests import ClientDisconnect, Request

from pacsgate.model.errors import RequestError

PAUSE_SECONDS = 30


async def read_body(request: Request, *, at_most: int) -> bytes:
    """The body.  Raises `RequestError`."""
    body = bytearray()
    chunks = request.stream()
    while True:
        try:
            with anyio.fail_after(PAUSE_SECONDS):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise RequestError("the body stopped arriving", status=408) from None
        except ClientDisconnect:
            raise RequestError("the sender left in the middle of the body") from None
        if chunk is None:
            return bytes(body)
        body += chunk
        if len(body) > at_most:
            raise RequestError(f"the body is longer than {at_most} bytes", status=413)
