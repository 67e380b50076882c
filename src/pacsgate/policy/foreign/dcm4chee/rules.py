"""What the switches of dcm4chee 2 let through becomes rules that say so, each confined and marked.

A check that is off is never off here.  It becomes a permit for those users whom it let through, in the
one archive, at the doors where it was off; lists of AE titles become permits for those titles.

Called by `reader`.

Invariants:
- no rule of this kind is made for everybody, nor for AE titles that are not listed by name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect
from pacsgate.model.errors import Diagnostic
from pacsgate.model.permission_letters import LETTERS, actions_of
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, Role
from pacsgate.policy.environment import CALLED_AE, CALLING_AE
from pacsgate.policy.foreign.dcm4chee.census import Census
from pacsgate.policy.foreign.dcm4chee.switches import (
    OTHERS,
    UNCHECKED_USERS,
    UNRESTRICTED,
    WEB_CHECKS,
    Switch,
)
from pacsgate.policy.foreign.reading import left_over
from pacsgate.policy.ir import Formula, Has, Not, OneOf
from pacsgate.policy.language.problems import Position, listed, quoted
from pacsgate.policy.policy import PolicyAssignment, Rule

UNCHECKED = "dcm4chee-unchecked"
UNRESTRICTED_ROLE = "dcm4chee-unrestricted"

_WEB_ONLY: Formula = Not(Has(CALLED_AE))
"""At doors that no association comes through; the switches of the web pages meant no others."""


@dataclass(frozen=True, slots=True)
class Switched:
    """The roles, rules and assignments that switches came to, and what was left of them."""

    roles: tuple[Role, ...]
    rules: tuple[Rule, ...]
    assignments: tuple[PolicyAssignment, ...]
    left: tuple[Diagnostic, ...]


def switched(switches: Mapping[str, Switch], census: Census, archive: ArchiveName) -> Switched:
    """What becomes of every switch."""
    parts = (_web(switches, census, archive), _lists(switches, census, archive))
    others = tuple(
        left_over(switches[name].position, f"`{name}` ({switches[name].value or 'empty'})", hint)
        for name, hint in OTHERS.items()
        if name in switches
    )
    return Switched(
        tuple(role for part in parts for role in part.roles),
        tuple(rule for part in parts for rule in part.rules),
        tuple(given for part in parts for given in part.assignments),
        (*(diagnostic for part in parts for diagnostic in part.left), *others),
    )


def _web(switches: Mapping[str, Switch], census: Census, archive: ArchiveName) -> Switched:
    """Users whom the web pages did not check: all of them where the check is off, else those listed."""
    off = next(
        (switches[name] for name in sorted(WEB_CHECKS) if name in switches and switches[name].is_off), None
    )
    switch = off or switches.get(UNCHECKED_USERS)
    if switch is None:
        return Switched((), (), (), ())
    # A listed name without an account would be somebody else's some day.
    users = frozenset(census.people if off is not None else census.people.intersection(switch.users))
    if not users:
        nobody = left_over(
            switch.position, f"`{switch.name}` concerns nobody who is known", "name the dump too"
        )
        return Switched((), (), (), (nobody,) if switch.value else ())
    may = actions_of(LETTERS)
    warning = (
        f"WARNING: `{switch.name}` let {len(users)} users see and change every study on the web pages; "
        f"rule `{UNCHECKED}` lets them do so here, in archive `{archive}` and over HTTP only: remove it"
    )
    rule = Rule(
        rule_id=UNCHECKED,
        effect=Effect.PERMIT,
        place=switch.position.place,
        condition=_WEB_ONLY,
        roles=frozenset({UNCHECKED}),
        users=users,
        archives=frozenset({archive}),
        actions=may,
    )
    role = Role(UNCHECKED, may, description=f"WARNING: imported from `{switch.name}`, which checked nothing")
    given = PolicyAssignment(users, frozenset(), Assignment(UNCHECKED), switch.position.place)
    return Switched((role,), (rule,), (given,), (left_over(switch.position, warning),))


def _lists(switches: Mapping[str, Switch], census: Census, archive: ArchiveName) -> Switched:
    """AE titles that needed no permission."""
    rules: list[Rule] = []
    left: list[Diagnostic] = []
    accounts: set[str] = set()
    may: set[Action] = set()
    for name, letter in UNRESTRICTED.items():
        switch = switches.get(name)
        if switch is None:
            continue
        if switch.is_any:
            left.append(
                left_over(
                    switch.position,
                    f"`{name}` is ANY, dcm4chee's default: nothing was checked over DICOM",
                    "here every AE title needs a permission; list those that need none by name",
                )
            )
            continue
        known = [title for title in switch.titles if title in census.entities]
        left.extend(_unknown(switch, known))
        if known:
            actions = actions_of(letter)
            rules.append(_listed_rule(switch, letter, known, actions, archive))
            accounts |= {account_of(census, title) for title in known}
            may |= actions
    if not rules:
        return Switched((), (), (), tuple(left))
    place = rules[0].place
    role = Role(
        UNRESTRICTED_ROLE, frozenset(may), description="imported: AE titles that dcm4chee did not restrict"
    )
    given = PolicyAssignment(frozenset(accounts), frozenset(), Assignment(UNRESTRICTED_ROLE), place)
    return Switched((role,), tuple(rules), (given,), tuple(left))


def _unknown(switch: Switch, known: list[str]) -> Iterator[Diagnostic]:
    unknown = [title for title in switch.titles if title not in known]
    if unknown:
        yield left_over(
            switch.position,
            f"`{switch.name}` lists {listed(unknown)}, which the AE table does not have",
            "add each with `pacsgate device add`, then name it in the rule",
        )


def _listed_rule(
    switch: Switch, letter: str, titles: list[str], actions: frozenset[Action], archive: ArchiveName
) -> Rule:
    return Rule(
        rule_id=f"{UNRESTRICTED_ROLE}-{letter}",
        effect=Effect.PERMIT,
        place=switch.position.place,
        condition=OneOf(CALLING_AE, frozenset(titles)),
        roles=frozenset({UNRESTRICTED_ROLE}),
        archives=frozenset({archive}),
        actions=actions,
    )


def account_of(census: Census, ae_title: str) -> str:
    """The account that an AE acts as: its user there, or one that is made for it."""
    return census.entities[ae_title].user or f"ae-{ae_title}"


def memberships(census: Census, roles: Mapping[str, Role], where: Position) -> Iterator[PolicyAssignment]:
    """Who has which of the roles that come over."""
    for name in sorted(roles):
        members = frozenset(census.members.get(name, ()))
        if members:
            yield PolicyAssignment(members, frozenset(), Assignment(name), where.place)


def refused(census: Census, where: Position) -> Iterator[Diagnostic]:
    """What the tables hold that does not come over."""
    for action, count in sorted(census.unknown_actions.items()):
        yield left_over(
            where,
            f"{count} rows permit {quoted(action)}, an action that nobody has configured",
            "they are not brought over: dcm4chee checked none of them either",
        )
    if census.unusable:
        yield left_over(where, f"{census.unusable} rows name no study by a UID, or no role")
