"""The access units of a picture archive: its departments and its collections of studies.

A department is a value of the policy's attribute `study.department`; whatever the index holds of it is a
unit.  A collection is one that a study is in, or that the policy or a grant names.

Called by `imaging`.

Invariants:
- the id of a unit says what it is: it can be closed to somebody when the archive has it no more;
- two units have two ids.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from pacsgate.model.access import AccessUnit
from pacsgate.model.grant import Grant, GrantTarget
from pacsgate.policy.ir import COLLECTIONS, DEPARTMENT
from pacsgate.policy.policy import Policy
from pacsgate.ports import Kind

LONGEST_ID = 200
"""A department with a longer name cannot be opened as a unit."""

_KINDS = (GrantTarget.COLLECTION, GrantTarget.DEPARTMENT)
_PLAIN = re.compile(r"[A-Za-z0-9._@-]")
_ESCAPED = re.compile(r"~([0-9a-f]{2})")
_TEXT = re.compile(r"(?:[A-Za-z0-9._@-]|~[0-9a-f]{2})+")


def unit_id(kind: GrantTarget, name: str) -> str:
    """The id of a unit; nothing in it needs an escape in a path."""
    return f"{kind}:{''.join(map(_escaped, name))}"


def target_of(identifier: str) -> tuple[GrantTarget, str] | None:
    """What a unit of this id opens; `None` for what is no id."""
    kind, _, text = identifier.partition(":")
    if kind not in _KINDS or len(identifier) > LONGEST_ID or _TEXT.fullmatch(text) is None:
        return None
    try:
        raw = b"".join(_bytes_of(text))
        found = (GrantTarget(kind), raw.decode())
    except UnicodeDecodeError:
        return None
    return found if unit_id(*found) == identifier else None


def units_of(policy: Policy, grants: Iterable[Grant], kinds: Iterable[Kind]) -> Mapping[str, AccessUnit]:
    """The units of an archive, by id."""
    named = {
        *_named(policy, grants),
        *((target, value) for kind in kinds for target, value in _held(policy, kind)),
    }
    units = (_unit(target, value) for target, value in sorted(named) if value)
    return {unit.unit_id: unit for unit in units if len(unit.unit_id) <= LONGEST_ID}


def _named(policy: Policy, grants: Iterable[Grant]) -> Iterator[tuple[GrantTarget, str]]:
    for given in policy.assignments:
        if given.assignment.scope.collection is not None:
            yield GrantTarget.COLLECTION, given.assignment.scope.collection
    for grant in grants:
        if grant.target is GrantTarget.COLLECTION:
            yield GrantTarget.COLLECTION, grant.target_id


def _held(policy: Policy, kind: Kind) -> Iterator[tuple[GrantTarget, str]]:
    for value in kind.study.get(COLLECTIONS.name, ()):
        yield GrantTarget.COLLECTION, str(value)
    declared = policy.declarations.get(DEPARTMENT)
    if declared is not None:
        for value in kind.study.get(declared.attribute.name, ()):
            if isinstance(value, str):
                yield GrantTarget.DEPARTMENT, value


def _unit(target: GrantTarget, name: str) -> AccessUnit:
    match target:
        case GrantTarget.COLLECTION:
            description = "the studies of this collection"
        case GrantTarget.DEPARTMENT:
            description = "the studies of this department"
        case GrantTarget.PATIENT | GrantTarget.STUDY | GrantTarget.SERIES | GrantTarget.STUDY_PERMISSION:
            raise TypeError(f"no access unit is a {target}")
        case _:
            assert_never(target)
    return AccessUnit(unit_id(target, name), name, target.value, description)


def _escaped(character: str) -> str:
    if _PLAIN.fullmatch(character):
        return character
    return "".join(f"~{byte:02x}" for byte in character.encode())


def _bytes_of(text: str) -> Iterator[bytes]:
    place = 0
    while place < len(text):
        escaped = _ESCAPED.match(text, place)
        yield text[place].encode() if escaped is None else bytes.fromhex(escaped[1])
        place += 1 if escaped is None else len(escaped[0])
