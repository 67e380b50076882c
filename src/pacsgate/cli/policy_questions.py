"""`pacsgate policy explain`, `who-can` and `what-can`: the live policy, real people and real studies.

Called by `policy`, which gives the commands their names.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from pacsgate.cli.failures import FAILED, told
from pacsgate.cli.inquiry import (
    ActionName,
    Archive,
    Network,
    Purpose,
    Reason,
    StudyUid,
    User,
    circumstances,
    entries,
    everybody,
    live_policy,
    somebody,
)
from pacsgate.cli.installation import named_archive, open_installation
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, print_json, print_line, print_table
from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.policy import examine
from pacsgate.policy.difference import Span
from pacsgate.policy.engine import bind
from pacsgate.policy.explain import Explanation
from pacsgate.policy.explain import explain as explain_decision
from pacsgate.policy.kind_sets import KindSets
from pacsgate.policy.population import Population
from pacsgate.policy.show import show_value

_REFUSED = "This is not allowed."
"""What a user is told where no rule has a sentence for her."""


class Audience(StrEnum):
    """For whom a decision is explained."""

    ADMINISTRATOR = "administrator"
    USER = "user"


def explain(
    user: User,
    action: ActionName,
    study: StudyUid,
    series: Annotated[str | None, typer.Option("--series", help="One SeriesInstanceUID.")] = None,
    audience: Annotated[
        Audience, typer.Option("--for", help="The administrator sees rules, the user the rule's message.")
    ] = Audience.ADMINISTRATOR,
    archive: Archive = None,
    network: Network = "external",
    purpose: Purpose = "TREAT",
    reason: Reason = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Say why a user may or may not do something to a study; exit 1 if not."""
    with told(), open_installation(config, tenant) as installation:
        name = named_archive(installation, archive)
        policy, context = live_policy(installation), circumstances(installation, network, purpose, reason)
        subject = somebody(installation, user, is_proven=False)
        grants = installation.stores.directory.granted(installation.scope)
        explanations = [
            (
                one.series_instance_uid,
                explain_decision(policy, subject, context, name, grants, action, entry.facts_of(one)),
            )
            for entry in entries(installation, name, study)
            for one in entry.series
            if series in {None, one.series_instance_uid}
        ]
    allowed = any(isinstance(found.decision, Allow) for _, found in explanations)
    if as_json:
        told_to = _told_to_user if audience is Audience.USER else _told_to_administrator
        rows: list[Json] = [{"series_instance_uid": uid, **told_to(found)} for uid, found in explanations]
        print_json({"allowed": allowed, "series": rows})
    elif audience is Audience.USER:
        print_line("allowed" if allowed else _message(explanations))
    else:
        _print_explanations(explanations)
    if not allowed:
        raise typer.Exit(FAILED)


def who_can(
    action: ActionName,
    study: StudyUid,
    archive: Archive = None,
    network: Network = "external",
    purpose: Purpose = "TREAT",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List everybody who may do something to a study, and by which rule or grant; exit 1 if nobody may.

    Beside the accounts: what membership in a group, or a role, would be enough for by itself.
    """
    with told(), open_installation(config, tenant) as installation:
        name = named_archive(installation, archive)
        policy, context = live_policy(installation), circumstances(installation, network, purpose)
        parts = [entry.facts_of(one) for entry in entries(installation, name, study) for one in entry.series]
        grants = installation.stores.directory.granted(installation.scope)
        groups, roles = examine.stand_ins(policy)
        rows: list[dict[str, Json]] = [
            {
                "kind": kind,
                "name": names[holder.subject.name],
                "series": len(holder.parts),
                "of": len(parts),
                "by": [str(reason) for reason in holder.reasons],
            }
            for kind, named in (
                ("user", {subject.name: subject for subject in everybody(installation)}),
                ("group", groups),
                ("role", roles),
            )
            for names in ({subject.name: name for name, subject in named.items()},)
            for holder in examine.who_can(policy, named.values(), context, name, grants, action, parts)
        ]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ("kind", "name", "series", "of", "by"), "Nobody may.")
    if not any(row["kind"] == "user" for row in rows):
        raise typer.Exit(FAILED)


def what_can(
    user: User,
    archive: Archive = None,
    network: Network = "external",
    purpose: Purpose = "TREAT",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Count the studies of which a user may do anything, by action and by what rules name; exit 1 if none."""
    with told(), open_installation(config, tenant) as installation:
        name = named_archive(installation, archive)
        policy, context = live_policy(installation), circumstances(installation, network, purpose)
        subject = somebody(installation, user)
        grants = installation.stores.directory.granted(installation.scope)
        index, scope = installation.stores.index, installation.scope
        population = Population(index.kinds(scope, name))
        examiner = examine.Examiner(
            KindSets(policy, population, name, grants).of(subject, context),
            bind(policy, subject, context, name, grants),
            partial(index.count, scope, name),
        )
        totals, shares = examiner.totals(), list(examiner.shares())
        studies = population.studies(population.some(population.everything).sure)
    rows = [{"attribute": "all studies", "value": None, **_counts(totals)}] + [
        {"attribute": str(share.attribute), "value": share.value, **_counts(share.holdings)}
        for share in shares
    ]
    if as_json:
        print_json({"user": user, "studies": studies, "allowed": _counts(totals), "by": rows[1:]})
    elif not totals:
        print_line("Nothing.")
    else:
        _print_counts(rows, [holding.action for holding in totals])
        print_line(f"of {studies} studies in `{name}`")
    if not totals:
        raise typer.Exit(FAILED)


def _counts(holdings: Sequence[examine.Holding]) -> dict[str, Json]:
    return {holding.action.value: _span(holding.studies) for holding in holdings}


def _span(span: Span) -> Json:
    """A number; a pair where it is only known to lie between two."""
    return span.least if span.least == span.most else [span.least, span.most]


def _print_counts(rows: Sequence[dict[str, Json]], actions: Sequence[Action]) -> None:
    columns = ("attribute", "value", *(action.value for action in actions))
    shown = []
    for number, row in enumerate(rows):
        value = row["value"]
        written = "" if number == 0 else "(none)" if value is None else show_value(value)  # type: ignore[arg-type]
        counts = {name: _between(row.get(name, 0)) for name in columns[2:]}
        shown.append({"attribute": row["attribute"], "value": written, **counts})
    print_table(shown, columns, "Nothing.")


def _between(count: Json) -> Json:
    return f"{count[0]} to {count[1]}" if isinstance(count, list) else count


def _told_to_administrator(found: Explanation) -> dict[str, Json]:
    return {
        "allowed": isinstance(found.decision, Allow),
        "reasons": [str(reason) for reason in found.decision.reasons],
        "explanation": found.for_administrator(),
        "message": found.for_user(),
    }


def _told_to_user(found: Explanation) -> dict[str, Json]:
    return {"allowed": isinstance(found.decision, Allow), "message": found.for_user()}


def _message(explanations: Sequence[tuple[str, Explanation]]) -> str:
    """The first sentence that a rule has for the user."""
    return next((said for _, found in explanations if (said := found.for_user()) is not None), _REFUSED)


def _print_explanations(explanations: Sequence[tuple[str, Explanation]]) -> None:
    """Say what all series have in common once, and name those that differ."""
    by_text: dict[str, list[str]] = {}
    for uid, found in explanations:
        by_text.setdefault(found.for_administrator(), []).append(uid)
    for text, uids in by_text.items():
        if len(by_text) > 1:
            print_line(f"series {', '.join(dict.fromkeys(uids))}:")
        print_line(text)
