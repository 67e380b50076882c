"""A credential as one system hands on what a client gave it: with or without the scheme in front.

Orthanc's authorization plugin repeats the value of a header or of an argument of the URL as it came:
`Bearer …`, `Basic …`, or a token by itself.

Called by the doors that are asked about others.
"""

import re

from pacsgate.identity.credentials import (
    AssertionCredential,
    Credentials,
    TokenCredential,
    UnreadableCredential,
    read_credentials,
)
from pacsgate.identity.shares import ShareText
from pacsgate.identity.tokens import TokenText

_BEARER = "bearer "
_WEB_TOKEN = re.compile(r"eyJ[\w-]{1,16384}\.[\w-]{1,16384}\.[\w-]{1,16384}", re.ASCII)
"""A JSON Web Token, which says of itself what it is."""


def read_presented(value: str) -> Credentials | ShareText | None:
    """What the value is; `None` if there is none."""
    text = value.strip()
    if not text:
        return None
    bare = text[len(_BEARER) :].strip() if text.lower().startswith(_BEARER) else text
    share, token = ShareText.parse(bare), TokenText.parse(bare)
    if share is not None:
        return share
    if token is not None:
        return TokenCredential(token)
    if _WEB_TOKEN.fullmatch(bare) is not None:
        return AssertionCredential(bare)
    return read_credentials(text, None) or UnreadableCredential()
