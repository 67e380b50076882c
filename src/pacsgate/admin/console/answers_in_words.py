"""What a decision means for the person it is about: may I, why not, and whom to ask.

A person hears the sentence that a rule's author wrote for her, what of her own is lacking, and who
owns her roles.  Of other people's rules, and of what she cannot see, she hears nothing.

Called by the pages of studies and of access.

Invariants:
- nothing is said of a study that the person may not search.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pacsgate.model.actions import Action
from pacsgate.model.decision import ReasonCode
from pacsgate.model.role import Role
from pacsgate.model.strength import Strength
from pacsgate.policy.engine import Bound
from pacsgate.services.browse_studies import ActionAnswer
from pacsgate.services.resolve import Refusal

ACTION_WORDS: Mapping[Action, str] = MappingProxyType(
    {
        Action.SEARCH: "find it",
        Action.VIEW: "view the images",
        Action.RETRIEVE: "download the DICOM files",
        Action.APPEND: "add images to it",
        Action.ANNOTATE: "annotate it",
        Action.UPDATE: "change it",
        Action.DELETE: "delete it",
        Action.EXPORT: "export it",
        Action.SHARE: "share it",
    }
)
"""Each action as something that a person does to a study that is there."""

_WORDS: Mapping[ReasonCode, str] = MappingProxyType(
    {
        ReasonCode.FORBIDDEN: "A rule forbids it.",
        ReasonCode.NO_PERMIT: "No rule and no grant that concerns you allows it.",
        ReasonCode.NO_ROLE: "You have no role at present.",
        ReasonCode.OBLIGATION_UNSUPPORTED: "It is allowed under a condition that this gate cannot meet.",
        ReasonCode.REASON_REQUIRED: "It is allowed when you give a reason.",
        ReasonCode.STEP_UP_REQUIRED: "It is allowed once you prove who you are more strongly, or again.",
        ReasonCode.TOKEN_SCOPE: "The API key that you use does not carry it.",
        ReasonCode.PARTLY_VISIBLE: "It needs every part of the study, and not every part is yours.",
        ReasonCode.NOT_IMPLEMENTED: "This archive cannot do it.",
    }
)
_OTHERWISE = "It is not allowed."


@dataclass(frozen=True, slots=True)
class Told:
    """One answer in words."""

    action: Action
    does: str
    allowed: bool
    partly: bool = False
    """Only on some of what the person sees of the study."""
    why: str = ""
    step_up: Strength | None = None
    """What the person would have to prove first."""


def told(answer: ActionAnswer, visible: int, bound: Bound) -> Told:
    """An answer about a study of which the person sees so many instances."""
    does = ACTION_WORDS[answer.action]
    if answer.refusal is not None:
        step_up = next((reason.strength for reason in answer.refusal.reasons if reason.strength), None)
        why = why_not(answer.action, answer.refusal, bound)
        return Told(answer.action, does, allowed=False, why=why, step_up=step_up)
    if answer.instances < visible:
        why = f"On {answer.instances:,} of the {visible:,} images that you see."
        return Told(answer.action, does, allowed=True, partly=True, why=why)
    return Told(answer.action, does, allowed=True)


def why_not(action: Action, refusal: Refusal, bound: Bound) -> str:
    """Why an action on something that the person may search is refused."""
    if refusal.message:
        return refusal.message
    codes = [reason.code for reason in refusal.reasons]
    if ReasonCode.NO_PERMIT in codes and not _is_below_ceiling(action, bound):
        return "None of your roles includes it."
    return next((_WORDS[code] for code in codes if code in _WORDS), _OTHERWISE)


def owners(bound: Bound) -> tuple[str, ...]:
    """Who else answers for the roles in effect, each once: `chief-radiology (radiologist, exporter)`."""
    owned: dict[str, list[str]] = {}
    for role in roles_in_effect(bound):
        if role.owner is not None and role.owner != bound.subject.name:
            owned.setdefault(role.owner, []).append(role.name)
    return tuple(f"{owner} ({', '.join(names)})" for owner, names in owned.items())


def roles_in_effect(bound: Bound) -> Iterable[Role]:
    """The roles in effect, in the order of their names."""
    held = sorted({*bound.standing.roles, *bound.standing.collections_of})
    return (bound.policy.roles[name] for name in held)


def _is_below_ceiling(action: Action, bound: Bound) -> bool:
    return any(action in role.may for role in roles_in_effect(bound))
