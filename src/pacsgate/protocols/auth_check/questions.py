"""What a proxy asks about: the method and the target of a request that it has received.

nginx (`auth_request`) says it in `X-Original-Method` and `X-Original-URI`, as its configuration
makes it; Traefik (ForwardAuth) in `X-Forwarded-Method` and `X-Forwarded-Uri`; Envoy (`ext_authz`) asks
with the method itself, and with the target behind the path of the question.  A client may send any of
these headers: a proxy that sets one pair leaves the others as they came.  So a question that is
put in two ways at once is not answered.

Called by the door that proxies ask.

Invariants:
- method and target are said once, in one way, or there is no question;
- the target is a path with a query and nothing else: no scheme, no authority, no fragment.

Standard: RFC 9112 3.2.1 (origin-form).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pacsgate.model.errors import RequestError

ORIGINAL = ("x-original-method", "x-original-uri")
FORWARDED = ("x-forwarded-method", "x-forwarded-uri")

_METHOD = re.compile(r"[A-Z]{1,20}")
_TARGET = re.compile(rb"/[!-\"$->@-~]*(\?[!-\"$-~]*)?")
"""Printable ASCII without blank and `#`, and the first `?` begins the query."""


@dataclass(frozen=True, slots=True)
class AskedRequest:
    """The request that a proxy has received, undecoded."""

    method: str
    raw_path: bytes
    raw_query: bytes


def read_question(
    method: str, below: bytes, raw_query: bytes, headers: Sequence[tuple[str, str]]
) -> AskedRequest:
    """Read a question.  `below` is what follows the question's own path; `headers` are all that came.

    Raises `RequestError`.
    """
    said = [name for name, _ in headers if name in ORIGINAL or name in FORWARDED]
    if below:
        if said:
            raise RequestError(f"the path asks about a request, and `{said[0]}` about another")
        return _asked(method, below + (b"?" + raw_query if raw_query else b""))
    for names in (ORIGINAL, FORWARDED):
        if sorted(said) == sorted(names):
            values = dict(headers)
            return _asked(values[names[0]], values[names[1]].encode("latin-1", "replace"))
    raise RequestError(
        "a question is put in two headers, "
        f"`{ORIGINAL[0]}` and `{ORIGINAL[1]}` or `{FORWARDED[0]}` and `{FORWARDED[1]}`, or in the path"
    )


def _asked(method: str, target: bytes) -> AskedRequest:
    if not _METHOD.fullmatch(method):
        raise RequestError("the method that is asked about is none")
    if not _TARGET.fullmatch(target):
        raise RequestError("the target that is asked about is no path with a query")
    path, _, query = target.partition(b"?")
    return AskedRequest(method, path, query)
