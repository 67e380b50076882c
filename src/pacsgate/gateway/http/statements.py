"""What a client says about its own request: for which purpose it asks, and with which reason.

`Pacsgate-Purpose` is a code of HL7 v3 PurposeOfUse.  It is a claim, so it counts
only if the subject has that purpose (its attribute `purposes`); without it a
request is for treatment.  `Pacsgate-Reason` is a sentence for the record, in UTF-8 with
percent-encoding where it is not ASCII; a policy may require one.

Called by the DICOMweb door and the search of instances.

Standard: HL7 v3 PurposeOfUse; RFC 9110 5.2, 5.5 (fields).
"""

from dataclasses import replace
from urllib.parse import unquote

from starlette.datastructures import Headers

from pacsgate.model.context import Context
from pacsgate.model.errors import RequestError
from pacsgate.model.subject import Subject

PURPOSE = "Pacsgate-Purpose"
REASON = "Pacsgate-Reason"

_LONGEST_REASON = 200
_PURPOSES = "purposes"
"""The subject's attribute that holds what it may ask for besides treatment."""


def with_statements(context: Context, headers: Headers, subject: Subject) -> Context | None:
    """The context with what the client says of it; `None` for a purpose that is not the subject's.

    Raises `RequestError` for what cannot be read.
    """
    purpose, reason = _one(headers, PURPOSE), _one(headers, REASON)
    if purpose is not None:
        if purpose != context.purpose and purpose not in subject.attributes.get(_PURPOSES, frozenset()):
            return None
        context = replace(context, purpose=purpose)
    return context if reason is None else replace(context, reason=_sentence(reason))


def _one(headers: Headers, name: str) -> str | None:
    found = headers.getlist(name)
    if len(found) > 1:
        raise RequestError(f"`{name}` is there {len(found)} times")
    return found[0].strip() if found else None


def _sentence(written: str) -> str | None:
    reason = unquote(written, errors="replace").strip()
    if len(reason) > _LONGEST_REASON:
        raise RequestError(f"`{REASON}` is longer than {_LONGEST_REASON} characters")
    if not reason.isprintable():
        raise RequestError(f"`{REASON}` holds what is not text")
    return reason or None
