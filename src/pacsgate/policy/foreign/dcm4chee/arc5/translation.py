"""What a dcm4chee 5 says about who may see what, as roles, rules and labels of ours.

There, whoever reaches an AE sees what its labels let through; here each AE title is a permit for the
roles that the AE accepts, on the studies with one of its labels.  A web request has no AE title: it may see
what the permits of all its roles let through.

Called by `pacsgate.policy.foreign.dcm4chee.reader`.

Invariants:
- a study without a label is nobody's, unless it is said aloud that it is everybody's;
- what cannot be the same here is named, and left out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect
from pacsgate.model.errors import Diagnostic, RequestError
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Role
from pacsgate.policy.environment import CALLED_AE
from pacsgate.policy.foreign.dcm4chee.arc5.directory import Entry
from pacsgate.policy.foreign.dcm4chee.conditions import read_condition
from pacsgate.policy.foreign.dcm4chee.store_labels import StoreLabelRule, StoreLabels
from pacsgate.policy.foreign.reading import left_over
from pacsgate.policy.ir import LABELS, And, Compare, Comparison, Contains, Formula, Has, Not, Or
from pacsgate.policy.language.problems import listed, quoted
from pacsgate.policy.policy import Rule

ANY_ROLE = "arc5-user"
"""Stands for the users of an AE that accepts every role."""
_MAY = frozenset({Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.EXPORT})
_RULE = "dcmStoreAccessControlIDRule"
_OF_SERIES = "series"
_TITLE = re.compile(r"dicomAETitle=([^,]+)", re.IGNORECASE)

_ELSEWHERE: Mapping[str, str] = {
    "dcmGrantAccessPrevStudiesOfPatient": "one accessible study does not open the others here: grant the "
    "patient, `pacsgate grant add --patient`, for as long as that is wanted",
    "dcmUserIdentityNegotiation": "who is nobody is always rejected here",
    "dcmStorePermissionServiceURL": "who may store is said by rules here, and no service is asked",
    "dcmAcceptedMoveDestination": "destinations are the entries of `pacsgate device`, and need an owner",
}
"""Settings that have another place here, each with that place."""
_RULES_ELSEWHERE: Mapping[str, str] = {
    "dcmChangeAccessControlIDRule": "labels change by `pacsgate study label`, and grants end by themselves",
    "dcmuiPermission": "what a page shows decides nothing here",
}


@dataclass(frozen=True, slots=True)
class Translated:
    """Roles, rules and labels, and what was left of theirs."""

    roles: tuple[Role, ...] = ()
    rules: tuple[Rule, ...] = ()
    store_labels: StoreLabels | None = None
    titles: tuple[str, ...] = ()
    """The AE titles that the rules ask for."""
    left: tuple[Diagnostic, ...] = ()


def translated(entries: Iterable[Entry], archive: ArchiveName, *, unlabelled_is_public: bool) -> Translated:
    """What the entries of a directory come to."""
    known = tuple(entries)
    views = [entry for entry in known if entry.all("dicomAETitle") and _is_view(entry)]
    left: list[Diagnostic] = []
    store_rules = tuple(_store_rules(known, left))
    defaults = {
        entry.one("dicomAETitle"): entry.all("dcmStoreAccessControlID")
        for entry in known
        if entry.all("dicomAETitle") and entry.all("dcmStoreAccessControlID")
    }
    labels = {label for rule in store_rules for label in rule.labels}
    labels |= {label for given in defaults.values() for label in given}
    labels |= {label for entry in views for label in entry.all("dcmAccessControlID")}
    unlabelled = _unlabelled(labels) if unlabelled_is_public else None
    rules = tuple(_view_rule(entry, archive, unlabelled) for entry in views)
    left += _elsewhere(known)
    if views and not unlabelled_is_public:
        left.append(
            left_over(
                views[0].position,
                "there, a study without an access control id is everybody's; here it is nobody's",
                "import with `--unlabelled public` to have it as before",
            )
        )
    named = sorted({role for rule in rules for role in rule.roles})
    roles = tuple(Role(name, _MAY, description="imported from dcm4chee 5: assign it") for name in named)
    store_labels = StoreLabels(store_rules, defaults) if store_rules or defaults else None
    titles = tuple(entry.one("dicomAETitle") for entry in views)
    return Translated(roles, rules, store_labels, titles, tuple(left))


def _is_view(entry: Entry) -> bool:
    """Whether an AE says anything about who sees what: that of a scanner says nothing."""
    return bool(entry.all("dcmAccessControlID") or entry.all("dcmAcceptedUserRole")) or entry.is_a(
        "dcmArchiveNetworkAE"
    )


def _view_rule(entry: Entry, archive: ArchiveName, unlabelled: Formula | None) -> Rule:
    title = entry.one("dicomAETitle")
    accepted = entry.all("dcmAccessControlID")
    labelled: tuple[Formula, ...] = tuple(Contains(LABELS, label) for label in accepted)
    if unlabelled is not None and labelled:
        labelled += (unlabelled,)
    here = Or((Compare(CALLED_AE, Comparison.EQ, title), Not(Has(CALLED_AE))))
    return Rule(
        rule_id=f"arc5-{title}",
        effect=Effect.PERMIT,
        place=entry.position.place,
        condition=And((here, Or(labelled))) if labelled else here,
        roles=frozenset(entry.all("dcmAcceptedUserRole") or (ANY_ROLE,)),
        archives=frozenset({archive}),
        actions=_MAY,
    )


def _unlabelled(labels: Iterable[str]) -> Formula:
    """That a study has none of the labels that the directory knows."""
    return And(tuple(Not(Contains(LABELS, label)) for label in sorted(labels)))


def _store_rules(entries: Iterable[Entry], left: list[Diagnostic]) -> Iterator[StoreLabelRule]:
    for entry in entries:
        if not entry.is_a(_RULE):
            continue
        name = entry.one("cn", entry.dn)
        if entry.one("dcmEntity", "Study").lower() == _OF_SERIES:
            left.append(
                left_over(
                    entry.position,
                    f"WARNING: store rule {quoted(name)} labels series, and labels here are of studies: "
                    "whoever sees the study sees these series too",
                    "write a forbid on `series.modality` or `series.description` for them",
                )
            )
            continue
        try:
            conditions = tuple(read_condition(text) for text in entry.all("dcmProperty"))
        except RequestError as refused:
            sentence = f"store rule {quoted(name)} does not come over: {refused.public}"
            left.append(left_over(entry.position, sentence))
            continue
        called = _TITLE.search(entry.dn)
        priority = entry.one("dcmRulePriority", "0")
        yield StoreLabelRule(
            name,
            entry.all("dcmStoreAccessControlID"),
            conditions,
            None if called is None else called[1],
            int(priority) if priority.removeprefix("-").isdecimal() else 0,
        )


def _elsewhere(entries: Iterable[Entry]) -> Iterator[Diagnostic]:
    """One sentence for each kind of setting that does not come over."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        for name in (*_ELSEWHERE, *_RULES_ELSEWHERE):
            if entry.all(name) or entry.is_a(name):
                found.setdefault(name, []).append(entry)
    hints = {**_ELSEWHERE, **_RULES_ELSEWHERE}
    for name, where in found.items():
        at = listed(each.one("dicomAETitle") or each.one("cn", each.dn) for each in where)
        yield left_over(where[0].position, f"`{name}` of {at}", hints[name])
