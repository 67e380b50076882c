"""What a stylesheet of dcm4chee orders: permissions to give and to take back, in the order of the document.

Its `role`s, `suid`s and `pid`s are whatever the stylesheet made of an object or a message, so each is
checked before anything is done: an order without a role or an action, or with a letter that nobody knows,
makes the whole outcome worthless, while one on nothing (an empty `suid`, where a message had no study) is
left out and named.

Called by `pacsgate.services.stylesheet_grants`.

Invariants:
- an outcome is read as a whole before any of it can be carried out;
- nothing is ever ordered on an empty StudyInstanceUID or PatientID.

Standard: none; `StudyPermissionService` of dcm4chee 2.18.3, which executes as it reads and makes rows
for the study without a UID.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import RequestError
from pacsgate.model.permission_letters import LETTERS


class Verb(StrEnum):
    """The two elements that count; every other one is passed over."""

    GRANT = "grant"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class Order:
    """One `grant` or `revoke`, on a study or on a patient."""

    verb: Verb
    role: str
    letters: str
    study_instance_uid: str | None = None
    patient_id: str | None = None
    issuer_of_patient_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stylesheet orders; `idle` says, a sentence each, what it orders on nothing."""

    orders: tuple[Order, ...]
    idle: tuple[str, ...] = ()


Written = tuple[str, Mapping[str, str]]
"""An element as it stands in the result: its name and its attributes."""


def read_outcome(elements: Iterable[Written]) -> Outcome:
    """Read every `grant` and `revoke`.  Raises `RequestError` if one of them is none."""
    orders: list[Order] = []
    idle: list[str] = []
    for name, given in elements:
        if name not in set(Verb):
            continue
        verb, role, letters = Verb(name), _needed(name, given, "role"), _letters(name, given)
        study, patient = given.get("suid"), given.get("pid")
        if study is None and patient is None:
            raise RequestError(f"`{name}` names neither a `suid` nor a `pid`")
        if study is not None:
            if not study:
                idle.append(f"`{name}` for `{role}` on an empty `suid`")
            elif not is_valid_uid(study):
                idle.append(f"`{name}` for `{role}` on a `suid` that is no UID")
            else:
                orders.append(Order(verb, role, letters, study_instance_uid=study))
        if patient is not None:
            if not patient:
                idle.append(f"`{name}` for `{role}` on an empty `pid`")
            else:
                issuer = given.get("issuer") or None
                orders.append(Order(verb, role, letters, patient_id=patient, issuer_of_patient_id=issuer))
    return Outcome(tuple(orders), tuple(idle))


def _needed(name: str, given: Mapping[str, str], key: str) -> str:
    value = given.get(key, "").strip()
    if not value:
        raise RequestError(f"`{name}` has no `{key}`")
    return value


def _letters(name: str, given: Mapping[str, str]) -> str:
    written = [letter.strip() for letter in _needed(name, given, "action").split(",")]
    for letter in written:
        if letter not in LETTERS:
            raise RequestError(
                f"`{name}` has the action `{letter[:8]}`, which is none of {', '.join(LETTERS)}"
            )
    return "".join(letter for letter in LETTERS if letter in written)
