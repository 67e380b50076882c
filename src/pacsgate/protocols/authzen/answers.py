"""What is said back: decisions with their context, and pages of results.

A decision's context holds the reasons as codes for machines (`reasons`), as a text
for administrators and, where a rule has one, as the sentence for the user; what the
enforcement point must do besides (`obligations`); and the policy revision.

Called by the door.

Invariants:
- a resource that is hidden and one that does not exist get the same words.

Standard: AuthZEN Authorization API 1.0 sections 5.5 (Decision), 8 (Search).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pacsgate.model.decision import Reason, ReasonCode, Revision
from pacsgate.model.mask import Mask
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.protocols.authzen.entities import Resource
from pacsgate.protocols.authzen.pages import page_token

Json = dict[str, Any]

_LANGUAGE = "en"
_UNSEEN = frozenset({ReasonCode.NOT_FOUND, ReasonCode.NOT_VISIBLE})


def decision(
    reasons: Iterable[Reason],
    revision: Revision | None,
    *,
    allowed: bool,
    message: str | None = None,
    obligations: Sequence[Json] = (),
) -> Json:
    """One decision."""
    said = [str(Reason(ReasonCode.NOT_FOUND) if reason.code in _UNSEEN else reason) for reason in reasons]
    context: Json = {"reasons": said, "reason_admin": {_LANGUAGE: ", ".join(said)}}
    if message is not None:
        context["reason_user"] = {_LANGUAGE: message}
    if obligations:
        context["obligations"] = list(obligations)
    if revision is not None:
        context["policy_revision"] = revision
    return {"decision": allowed, "context": context}


def failed(status: int, message: str) -> Json:
    """The answer to one question of several that could not be asked."""
    return {"decision": False, "context": {"error": {"status": status, "message": message}}}


def mask_obligation(mask: Mask) -> Json:
    """These attributes are hidden from the subject, or all but these."""
    which = "all_but" if mask.all_but else "attributes"
    return {"id": "mask", "mask": {which: sorted(mask.keywords)}}


def parts_obligation(keys: Iterable[ResourceKey], archive: ArchiveName | None) -> Json:
    """Only these parts of the resource are meant; the rest does not exist for the subject."""
    return {"id": "parts", "parts": {"resources": [object_resource(key, archive) for key in keys]}}


def resource(about: Resource) -> Json:
    """A resource, so that it can be asked about as it stands."""
    if about.key is not None:
        return object_resource(about.key, about.archive)
    return _resource(about.type, about.id, {"archive": about.archive})


def object_resource(key: ResourceKey, archive: ArchiveName | None) -> Json:
    """A study, series or instance with its parents."""
    *parents, own = (uid for uid in _uids(key) if uid is not None)
    named = dict(zip(("StudyInstanceUID", "SeriesInstanceUID"), parents, strict=False))
    return _resource(key.level.value, own, {**named, "archive": archive})


def _uids(key: ResourceKey) -> tuple[str | None, ...]:
    return (key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid)


def _resource(resource_type: str, resource_id: str, properties: Mapping[str, str | None]) -> Json:
    given = {name: value for name, value in properties.items() if value is not None}
    return {"type": resource_type, "id": resource_id, **({"properties": given} if given else {})}


def page(results: Sequence[Json], question: str, next_position: str | None) -> Json:
    """One page of results; `next_position` is where the next begins, `None` if this is the last."""
    token = "" if next_position is None else page_token(question, next_position)
    return {"page": {"next_token": token, "count": len(results)}, "results": list(results)}
