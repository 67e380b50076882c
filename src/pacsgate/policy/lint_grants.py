"""Oddities of grant rules.

Called by `lint`.
"""

from collections.abc import Iterator

from pacsgate.model.permission import Permission
from pacsgate.policy.implication import Conditions
from pacsgate.policy.ir import Truth
from pacsgate.policy.lint_findings import LintFinding, Oddity, warning
from pacsgate.policy.policy import Policy


def never_giving(policy: Policy) -> Iterator[LintFinding]:
    """Grant rules whose condition cannot be true."""
    conditions = Conditions()
    for rule in policy.grant_rules:
        if conditions.can_be(rule.condition, {Truth.TRUE}) is False:
            message = f"grant rule `{rule.rule_id}` never applies: its condition cannot be true"
            yield warning(Oddity.NEVER_APPLIES, rule.place, message, "remove it, or correct `when`")


def unheard(policy: Policy) -> Iterator[LintFinding]:
    """Grant rules that listen to claims which count from nobody."""
    if any(Permission.GRANT_BY_ORDER in role.permissions for role in policy.roles.values()):
        return
    for rule in policy.grant_rules:
        claims = ", ".join(f"`{kind}`" for kind in sorted(rule.on) if kind.is_claim)
        if claims:
            message = f"grant rule `{rule.rule_id}` listens to {claims}, which counts from nobody"
            hint = f"give `{Permission.GRANT_BY_ORDER}` to the role of who sends it"
            yield warning(Oddity.CONCERNS_NOBODY, rule.place, message, hint)
