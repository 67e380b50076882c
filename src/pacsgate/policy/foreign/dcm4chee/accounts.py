"""The users and application entities of dcm4chee 2 as accounts and entries here.

Passwords stay behind: those of users are SHA-1 without salt, which anybody with the dump
can try by the billion, and those of AEs are in the clear.

Called by `reader`; carried out by `pacsgate.services.import_dcm4chee`.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, count

from pacsgate.model.application_entity import RemoteAe, is_ae_title
from pacsgate.model.errors import Diagnostic
from pacsgate.model.subject import SubjectKind
from pacsgate.policy.foreign.dcm4chee.census import Census, Entity
from pacsgate.policy.foreign.dcm4chee.rules import account_of
from pacsgate.policy.foreign.reading import left_over
from pacsgate.policy.language.problems import quoted

_UNNAMEABLE = re.compile(r"[^A-Za-z0-9._@-]+", re.ASCII)
_NAME_LENGTH = 60
_HOST = re.compile(r"[!-~]{1,255}")
_PORTS = range(1, 65536)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be made, without a password; `there` is its name in dcm4chee."""

    name: str
    kind: SubjectKind
    there: str


def account_names(census: Census, further: Iterable[str]) -> Mapping[str, str]:
    """A name that accounts may have here, for each name there; different ones stay different."""
    wanted = {*census.people, *further}
    wanted |= {entity.user for entity in census.entities.values() if entity.user is not None}
    names: dict[str, str] = {}
    taken: set[str] = set()
    for there in sorted(wanted, key=lambda name: (_plain(name) != name, name)):
        plain = _plain(there)
        numbered = (f"{plain}-{number}" for number in count(2))
        names[there] = next(name for name in chain((plain,), numbered) if name not in taken)
        taken.add(names[there])
    return names


def _plain(name: str) -> str:
    return _UNNAMEABLE.sub("-", name).strip("-._@")[:_NAME_LENGTH].strip("-._@") or "imported"


def new_accounts(
    census: Census, names: Mapping[str, str], made_up: Collection[str]
) -> tuple[NewAccount, ...]:
    """Everybody of the table of users, and an account for each AE that needs one and has no user."""
    people = census.people
    users = [NewAccount(names[there], SubjectKind.USER, there) for there in sorted(people)]
    of_entities = {entity.user for entity in census.entities.values() if entity.user is not None}
    devices = sorted((of_entities - people) | set(made_up))
    return (*users, *(NewAccount(names[there], SubjectKind.DEVICE, there) for there in devices))


def remote_aes(
    census: Census, names: Mapping[str, str], made_up: Collection[str], owner: str
) -> tuple[tuple[RemoteAe, ...], tuple[Diagnostic, ...]]:
    """The entries of the AE table that can be one here, and a sentence for each that cannot."""
    entries: list[RemoteAe] = []
    left: list[Diagnostic] = []
    for title, entity in sorted(census.entities.items()):
        why = _unusable(entity)
        if why is not None:
            left.append(left_over(entity.position, f"AE {quoted(title)} does not come over: {why}"))
            continue
        there = account_of(census, title)
        entries.append(
            RemoteAe(
                entity.ae_title,
                account=names[there] if entity.user is not None or there in made_up else None,
                host=entity.host,
                port=int(entity.port),
                tls=entity.tls,
                owner=owner,
                description=entity.description,
            )
        )
    return tuple(entries), tuple(left)


def _unusable(entity: Entity) -> str | None:
    if not is_ae_title(entity.ae_title):
        return "that is no AE title"
    if _HOST.fullmatch(entity.host) is None:
        return "it has no host"
    if not entity.port.isdecimal() or int(entity.port) not in _PORTS:
        return f"{quoted(entity.port)} is no port"
    return None
