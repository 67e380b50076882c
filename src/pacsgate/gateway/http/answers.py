"""The short answers: refusals and errors, each the same bytes every time.

One table maps what went wrong to a status; what differs between two refusals of
one kind is the date and the request id and nothing else.

Called by the doors; `refusal` for a decision, `error` for everything else.

Invariants:
- a hidden resource and a missing one get the same answer, byte for byte;
- no answer here carries patient data, a path of ours or the text of an exception that is not ours.

Standard: PS3.18 section 8.5 (status codes); RFC 9110; RFC 6750 section 3; RFC 9470 section 3.
"""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from pacsgate.gateway.http.statements import REASON
from pacsgate.model.decision import ReasonCode
from pacsgate.model.errors import (
    ArchiveError,
    ConflictError,
    PacsgateError,
    RecordError,
    RequestError,
    StepUpError,
    TooSoonError,
)
from pacsgate.model.strength import Strength
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.services.live_policy import NoPolicyError
from pacsgate.services.resolve import Answer, Refusal

_REFUSALS: Mapping[Answer, str] = {
    Answer.FORBIDDEN: "forbidden",
    Answer.NOT_FOUND: "not found",
    Answer.NOT_IMPLEMENTED: "not implemented by this archive",
}

_SAY_WHY = f"this needs a reason: send one in the header `{REASON}`"

_UNAUTHENTICATED: Mapping[FailureKind, int] = {
    FailureKind.NO_CREDENTIAL: 401,
    FailureKind.REFUSED: 401,
    FailureKind.LOCKED_OUT: 429,
    FailureKind.BUSY: 429,
    FailureKind.UNAVAILABLE: 503,
}

_BEARER = 'Bearer realm="pacsgate"'
_CHALLENGE = f'Basic realm="pacsgate", charset="UTF-8", {_BEARER}'


def problem(
    status: int, error: str, message: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A small JSON body that says what went wrong, not to be cached."""
    body = {"error": error} if message is None else {"error": error, "message": message}
    return Response(
        msgspec.json.encode(body) + b"\n",
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def refusal(refused: Refusal) -> Response:
    """The answer for a refused resource; a rule's message, or how to go on, accompanies a 403 only."""
    if refused.answer is not Answer.FORBIDDEN:
        return problem(refused.answer.value, _REFUSALS[refused.answer])
    wanted = next((reason.strength for reason in refused.reasons if reason.strength is not None), None)
    if wanted is not None:
        return step_up(wanted)
    lacks_reason = any(reason.code is ReasonCode.REASON_REQUIRED for reason in refused.reasons)
    return forbidden(refused.message or (_SAY_WHY if lacks_reason else None))


def step_up(wanted: Strength, *, error: str = "insufficient_user_authentication") -> Response:
    """401 with what must be proven first; `mfa_required` for who may do nothing at all before."""
    challenge = f'{_BEARER}, error="insufficient_user_authentication", acr_values="{wanted.acr}"'
    if wanted.within is not None:
        challenge += f", max_age={int(wanted.within.total_seconds())}"
    message = f"prove who you are: {wanted}; in a browser at /step-up"
    return problem(401, error, message, {"WWW-Authenticate": challenge})


def forbidden(message: str | None) -> Response:
    """No, to somebody who may know that."""
    return problem(Answer.FORBIDDEN.value, _REFUSALS[Answer.FORBIDDEN], message)


def not_found() -> Response:
    """The one answer for whatever is hidden, missing or not a route."""
    return problem(Answer.NOT_FOUND.value, _REFUSALS[Answer.NOT_FOUND])


def unauthenticated(
    failed: AuthenticationFailed, *, by_script: bool = False, by_token: bool = False
) -> Response:
    """401 with the ways to sign in, 429 with the time to wait, or 503 while nobody can tell.

    A page's script is not offered Basic: the browser would ask for a password
    itself and go on sending it after the user has signed out.  Who came with a token is told that
    it is none (RFC 6750 3.1), whatever is wrong with it.
    """
    status = _UNAUTHENTICATED[failed.kind]
    told = ', error="invalid_token"' if by_token and failed.kind is FailureKind.REFUSED else ""
    headers = {"WWW-Authenticate": (_BEARER if by_script else _CHALLENGE) + told}
    if status == 429:
        headers = {"Retry-After": str(failed.retry_after_seconds or 1)}
    if status == 503:
        return problem(status, "the source that knows who you are cannot be asked")
    return problem(
        status, "authentication required" if status == 401 else "too many attempts", headers=headers
    )


def error(raised: PacsgateError) -> Response:
    """The answer for one of our own errors."""
    match raised:
        case TooSoonError():
            wait = {"Retry-After": str(raised.retry_after_seconds)}
            return problem(raised.status, "too many attempts", raised.public, wait)
        case RequestError():
            return (
                not_found() if raised.status == 404 else problem(raised.status, "bad request", raised.public)
            )
        case ArchiveError():
            return problem(504 if raised.timed_out else 502, "archive unavailable", raised.public)
        case RecordError():
            return problem(503, "the audit trail cannot be written, so nothing is served")
        case NoPolicyError():
            return problem(503, "no policy is active, so nothing is allowed")
        case StepUpError():
            return step_up(raised.wanted)
        case ConflictError():
            return problem(409, "conflict", raised.public)
        case _:
            return problem(500, "internal error")


def internal_error() -> Response:
    """The answer for what should not happen."""
    return problem(500, "internal error")
