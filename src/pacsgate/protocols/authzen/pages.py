"""Tokens of long answers: where the next page begins, and of which question it is the next page.

A token is not a secret and grants nothing: whoever sends one is asked for the same
permission again, and everything is decided anew.  It holds a digest of the question,
so that the second page of one question is never taken for that of another.

Called by `requests` and `answers`.

Standard: AuthZEN Authorization API 1.0 section 8.2 (Pagination).
"""

import base64
import binascii
import hashlib

from pacsgate.model.errors import RequestError

_DIGEST_BYTES = 12


def page_token(question: str, position: str) -> str:
    """The token of the page of this question that begins at `position`."""
    return base64.urlsafe_b64encode(_digest(question) + position.encode("utf-8")).decode("ascii")


def read_page_token(token: str, question: str) -> str:
    """The position in a token.  Raises `RequestError` if it is not one of this question."""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
        digest, position = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:].decode("utf-8")
    except (binascii.Error, ValueError):
        raise RequestError("`page.token` is not one that this gate gave out") from None
    if digest != _digest(question):
        raise RequestError("`page.token` belongs to another question; a next page is that of the same one")
    return position


def _digest(question: str) -> bytes:
    return hashlib.sha256(question.encode("utf-8", "surrogatepass")).digest()[:_DIGEST_BYTES]
