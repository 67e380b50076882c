"""Policies read at the command line: a large one shows how far it is.

Called by the commands that read policy files.
"""

from collections.abc import Mapping, Sequence

from rich.console import Console

from pacsgate.model.role import Role
from pacsgate.policy.document import load_policy
from pacsgate.policy.policy import Policy


def load_policy_shown(sources: Mapping[str, str], stored_roles: Sequence[Role] = ()) -> Policy:
    """Read policy sources; at a terminal, say on standard error how many rules have been read.

    Raises `PolicyError`.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        return load_policy(sources, stored_roles)
    with console.status("reading the policy") as status:
        return load_policy(sources, stored_roles, lambda rules: status.update(f"{rules} rules read"))
