"""A counted difference between two policies, as tables for people and as JSON for programs.

Called by `policy_diff` and `policy_revisions`.
"""

from collections.abc import Sequence

from pacsgate.cli.printing import Json, print_line, print_table
from pacsgate.model.context import Context
from pacsgate.policy.difference import Span
from pacsgate.policy.difference_summary import Difference


def difference_json(found: Difference) -> dict[str, Json]:
    """Everything that was found."""
    return {
        "before": found.before,
        "after": found.after,
        "differs": not found.is_empty,
        "gained": span_json(found.gained),
        "lost": span_json(found.lost),
        "users": found.users,
        "principals": found.principals,
        "studies": found.studies,
        "circumstances": found.circumstances,
        "all_circumstances": found.is_complete,
        "actions": [
            {
                "circumstances": _circumstances(row.context),
                "archive": row.archive,
                "action": row.action,
                "gained": span_json(row.gained),
                "users_gaining": row.users_gaining,
                "lost": span_json(row.lost),
                "users_losing": row.users_losing,
            }
            for row in found.actions
        ],
        "rules": [
            {
                "rule": row.altered.rule.rule_id,
                "place": str(row.altered.rule.place),
                "effect": row.altered.rule.effect,
                "alteration": row.altered.alteration,
                "gained": row.gained,
                "lost": row.lost,
            }
            for row in found.rules
        ],
        "examples": [
            {
                "user": row.user,
                "others": row.others,
                "archive": row.archive,
                "actions": list(row.actions),
                "gains": row.is_gain,
                "studies": span_json(row.studies),
                "examples": list(row.examples),
                "rules": list(row.rules),
            }
            for row in found.examples
        ],
        "permissions": [
            {"user": row.user, "permission": row.permission, "gains": row.is_gain}
            for row in found.permissions
        ],
        "unread_attributes": list(found.unread),
    }


def span_json(span: Span) -> Json:
    """A number, or the two between which it lies."""
    return span.least if span.least == span.most else {"least": span.least, "most": span.most}


def print_difference(found: Difference) -> None:
    """For people, the sum first."""
    if found.is_empty:
        print_line(f"{found.before} -> {found.after}: nobody gains or loses anything")
    else:
        print_line(
            f"{found.before} -> {found.after}: {found.gained} accesses gained, {found.lost} lost "
            "(an access is one user, one study, one action)"
        )
        _print_rows(found)
    scale = f"counted over {found.users} users and {found.studies} studies"
    if found.circumstances > 1:
        scale += f", under {found.circumstances} sets of circumstances; the sums are those of the worst"
    print_line(scale)
    if not found.is_complete:
        print_line("the rules tell more sets of circumstances apart than were looked at")
    if found.unread:
        print_line(
            f"not in the index yet: {', '.join(found.unread)}; what rests on them is told as `from to`"
        )


def _print_rows(found: Difference) -> None:
    contexts = list(dict.fromkeys(row.context for row in found.actions))
    columns = ("archive", "action", "gained", "users_gaining", "lost", "users_losing")
    for context in contexts:
        print_line("")
        if len(contexts) > 1 or found.circumstances > 1:
            print_line(f"{_circumstances(context)}:")
        rows: list[dict[str, Json]] = [
            {
                "archive": row.archive,
                "action": row.action,
                "gained": str(row.gained),
                "users_gaining": row.users_gaining,
                "lost": str(row.lost),
                "users_losing": row.users_losing,
            }
            for row in found.actions
            if row.context is context
        ]
        print_table(rows, columns, "")
    _print_rules(found)
    _print_examples(found)
    if found.permissions:
        print_line("")
        print_line("permissions on the system:")
        for change in found.permissions:
            print_line(f"  {change.user} {'gains' if change.is_gain else 'loses'} {change.permission}")


def _print_rules(found: Difference) -> None:
    rows: list[dict[str, Json]] = [
        {
            "rule": row.altered.rule.rule_id,
            "at": str(row.altered.rule.place),
            "what": f"{row.altered.rule.effect} {row.altered.alteration}",
            "gained": row.gained,
            "lost": row.lost,
        }
        for row in found.rules
    ]
    print_line("")
    if rows:
        print_table(rows, ("rule", "at", "what", "gained", "lost"), "")
    else:
        print_line("by roles and assignments: no rule is different")


def _print_examples(found: Difference) -> None:
    rows: Sequence[dict[str, Json]] = [
        {
            "user": row.user if not row.others else f"{row.user} and {row.others} more",
            "actions": list(row.actions),
            "what": f"{'gains' if row.is_gain else 'loses'} {row.studies}",
            "for example": list(row.examples),
            "by": list(row.rules),
        }
        for row in found.examples
    ]
    if rows:
        print_line("")
        print_table(rows, ("user", "actions", "what", "for example", "by"), "")


def _circumstances(context: Context) -> str:
    parts = [f"network {context.network}", f"purpose {context.purpose}", context.now.strftime("%a %H:%M UTC")]
    if context.request is not None:
        parts.append(f"{context.request.method} {context.request.path}")
    return ", ".join(parts)
